//! What the commands beside the daemon print, take and refuse.

use super::program::Desk;

#[test]
fn mistakes_of_queries_are_told_beside_those_of_the_config() {
    let desk = Desk::new(
        "[daemon]\ninterval = 5\n[lists]\narms = [\"missile\"]\n\
         [[watch]]\nid = \"a\"\nquery = '@arms AND ('\n[[watch]]\nid = \"b\"\nquery = '@amrs'\n",
    );
    for command in [&["check", "--text"][..], &["match", "-"]] {
        let ran = desk.run(command);
        assert_eq!(ran.code, Some(2));
        let said = ran.stdout + &ran.stderr;
        for place in ["wirewatch.toml:2:12", "wirewatch.toml:7:", "wirewatch.toml:10:", "did you mean `@arms`?"] {
            assert!(said.contains(place), "{place}: {said}");
        }
    }
    // What could not be read is missed only once.
    let desk = Desk::new(
        "[[feed]]\nid = \"wire\"\nurl = \"ftp://a.org\"\ntags = [\"t\"]\n[lists]\narms = 1\n[[watch]]\nid = \"b\"\n\
         query = '@arms feed:wire tag:t watch:c watch:d OR ('\n[[watch]]\nid = \"c\"\nquery = ''\n",
    );
    let ran = desk.run(&["check", "--json"]);
    let lines: Vec<_> = ran.lines().iter().map(|line| line["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 6, 12, 9, 9], "{ran:?}");
}
