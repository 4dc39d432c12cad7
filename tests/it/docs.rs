//! The README and the pages in `docs/` name only commands, options, settings, pages and files that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};
use roms::cli::Cli;
use roms::config::{Config, File};

/// Words that stand for a value in a command, and a value to check the command with.
const PLACEHOLDERS: [(&str, &str); 9] = [
    ("ID", "1112223334445556667"),
    ("N", "10"),
    ("DATE", "2026-01-31"),
    ("URL", "https://orders.example.net"),
    ("STATUS", "shipped"),
    ("OUTCOME", "rejected"),
    ("ZONE", "UTC"),
    ("PORT", "8001"),
    ("SCOPE", "read"),
];

/// A fenced block of a page.
struct Block {
    page: String,
    language: String,
    text: String,
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}

/// The pages, by their path from the root.
fn pages() -> Vec<(String, String)> {
    let mut names = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if Path::new(&name).extension().is_some_and(|extension| extension == "md") {
            names.push(format!("docs/{name}"));
        }
    }
    assert!(names.len() > 10, "{names:?}");
    names.into_iter().map(|name| (name.clone(), fs::read_to_string(root().join(name)).unwrap())).collect()
}

/// The fenced blocks of all pages, and the text between them.
fn split() -> (Vec<Block>, Vec<(String, String)>) {
    let (mut blocks, mut prose) = (Vec::new(), Vec::new());
    for (page, text) in pages() {
        let mut outside = String::new();
        let mut open: Option<Block> = None;
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => blocks.push(block),
                (Some(language), None) => {
                    let language = language.trim().to_owned();
                    open = Some(Block { page: page.clone(), language, text: String::new() });
                }
                (None, Some(mut block)) => {
                    block.text.push_str(line.trim_start());
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {
                    outside.push_str(line);
                    outside.push('\n');
                }
            }
        }
        assert!(open.is_none(), "{page}: a block is not closed");
        prose.push((page, outside));
    }
    (blocks, prose)
}

/// The words of a shell command, up to a comment, a pipe or another command. Quotes and parentheses hold a word
/// together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut depth = 0;
    for c in line.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() && depth == 0 => words.extend(word.take()),
            ('#', None) if word.is_none() => break,
            ('|' | ';' | '&' | '<' | '>', None) => break,
            (c, _) => {
                depth += i32::from(c == '(') - i32::from(c == ')');
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    words
}

/// The arguments that a command line gives to ROMS; `None` if it runs something else.
fn arguments(line: &str) -> Option<Vec<String>> {
    let mut words = words(line);
    while words.first().is_some_and(|word| word.contains('=') && !word.starts_with('-')) {
        words.remove(0);
    }
    if words.starts_with(&["sudo".to_owned(), "-u".to_owned()]) {
        words.drain(..3.min(words.len()));
    }
    let from_source = ["cargo", "run", "--release"];
    if words.iter().take(3).eq(from_source) {
        let at = words.iter().position(|word| word == "--").map_or(words.len(), |at| at + 1);
        let is_example = words.iter().any(|word| word == "--example" || word == "--locked");
        return (!is_example).then(|| words.split_off(at));
    }
    let is_roms = words.first().is_some_and(|word| word == "roms" || word == "./roms");
    is_roms.then(|| words.split_off(1))
}

/// Replaces placeholders, and takes optional parts for given: `[--limit N]`.
fn filled(arguments: &[String]) -> Vec<String> {
    let fill = |word: &String| {
        let word = word.trim_matches(['[', ']', '…', ',']);
        let known = PLACEHOLDERS.iter().find(|(placeholder, _)| *placeholder == word);
        known.map_or(word, |(_, value)| value).to_owned()
    };
    arguments.iter().map(fill).filter(|word| !word.is_empty()).collect()
}

#[test]
fn every_command_in_a_block_is_accepted() {
    let mut checked = 0;
    for Block { page, language, text } in split().0 {
        if !["sh", "console", ""].contains(&language.as_str()) {
            continue;
        }
        for arguments in text.replace("\\\n", " ").lines().filter_map(arguments) {
            let command = std::iter::once("roms".to_owned()).chain(filled(&arguments));
            if let Err(error) = Cli::try_parse_from(command) {
                assert!(!error.use_stderr(), "{page}: roms {}\n{error}", arguments.join(" "));
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} commands were found");
}

#[test]
fn every_command_in_the_text_exists_with_its_options() {
    let root = Cli::command();
    let mut checked = 0;
    for (page, text) in split().1 {
        for code in text.split('`').skip(1).step_by(2).filter(|code| code.starts_with("roms ")) {
            let arguments = filled(&words(code)[1..]);
            let mut command = &root;
            for word in arguments.iter().take_while(|word| !word.starts_with('-')) {
                let Some(found) = command.find_subcommand(word) else {
                    let is_value = command.get_positionals().next().is_some();
                    assert!(is_value, "{page}: `{code}`: there is no command {word}");
                    break;
                };
                command = found;
            }
            for option in arguments.iter().filter_map(|word| word.strip_prefix("--")) {
                let known = |argument: &clap::Arg| argument.get_long() == option.split('=').next();
                let exists = command.get_arguments().any(known) || ["config", "help"].contains(&option);
                assert!(exists, "{page}: `{code}`: there is no option --{option}");
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} commands were found");
}

#[test]
fn every_configuration_in_a_block_is_accepted() {
    let mut checked = 0;
    for Block { page, language, text } in split().0.iter().filter(|block| block.language == "toml") {
        assert_eq!(language, "toml");
        let is_fragment = text.contains("[[discord.channels]]") && !text.contains("guilds");
        let text = if is_fragment { format!("[discord]\nguilds = [\"1\"]\n{text}") } else { text.clone() };
        let file = File { name: page, text: &text };
        let loaded = Config::load(Some(file), [], |_| Ok("secret".to_owned()));
        assert!(loaded.is_ok(), "{page}: {}\n{text}", loaded.unwrap_err());
        checked += 1;
    }
    assert!(checked > 3, "only {checked} configurations were found");
}

#[test]
fn every_variable_is_a_setting() {
    let mut names = BTreeSet::new();
    for (page, text) in pages() {
        for rest in text.split("ROMS__").skip(1) {
            let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            names.insert((page.clone(), format!("ROMS__{name}")));
        }
    }
    assert!(names.len() > 3, "{names:?}");
    for (page, name) in names {
        if name == "ROMS__SECTION__KEY" || name.ends_with('_') {
            continue;
        }
        let refused = Config::load(None, [(name.clone(), String::new())], |_| Ok(String::new()));
        let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(!error.contains("no such setting"), "{page}: {error}");
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut checked = 0;
    for (page, text) in split().1 {
        let folder = Path::new(&page).parent().unwrap().to_owned();
        for rest in text.split("](").skip(1) {
            let target: String = rest.chars().take_while(|c| *c != ')').collect();
            if target.contains("://") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() { root().join(&page) } else { root().join(&folder).join(path) };
            assert!(file.exists(), "{page}: {target} does not exist");
            if !heading.is_empty() {
                let linked = fs::read_to_string(&file).unwrap();
                let mut headings = linked.lines().filter(|line| line.starts_with('#'));
                let exists = headings.any(|line| anchor(line.trim_start_matches('#')) == heading);
                assert!(exists, "{page}: {target} has no such heading");
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} links were found");
}

#[test]
fn every_page_is_in_the_list_of_the_readme() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for (page, _) in pages().iter().filter(|(page, _)| page.starts_with("docs/")) {
        assert!(readme.contains(&format!("]({page})")), "{page} is not in the README");
    }
}
