//! What a server says beside the document: the validators for the next request.

/// What proves to a server that we have its document already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validators {
    /// The URL that gave them; they are sent to no other.
    pub url: String,
    /// `ETag`, byte for byte.
    pub etag: Option<Vec<u8>>,
    /// `Last-Modified`, byte for byte.
    pub last_modified: Option<Vec<u8>>,
    /// SHA-256 of the body.
    pub body_hash: Option<[u8; 32]>,
}
