//! A file on the host.

use std::{borrow::Cow, convert::Infallible};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Comparison, Kind, KindName, RoleFolder, Work,
    spec::{AnyText, Mode, Text, Wrong},
};
use crate::model::Fact;

/// a file on the host
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// absolute path
    path: Text,
    /// the whole content
    content: Option<AnyText>,
    /// a file in the role's templates/
    template: Option<Text>,
    /// a file in the role's files/
    source: Option<Text>,
    /// owner, by name
    owner: Option<Text>,
    /// group, by name
    group: Option<Text>,
    /// octal mode, in quotes: "0644"
    mode: Option<Mode>,
}

/// A file, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// Whole content.
    pub content: String,
    /// Owner by name.
    pub owner: String,
    /// Group by name.
    pub group: String,
    /// Octal mode, such as `0644`.
    pub mode: String,
}

/// A regular file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Owner, group and octal mode, such as `root root 644`.
    pub owner: String,
    /// Content; bytes that are not UTF-8 are replaced, and so differ from any that is declared.
    pub content: String,
}

impl FileState {
    /// From what `show_file` prints.
    pub fn read(answer: &str) -> Fact<Self> {
        match answer.split_once('\n') {
            Some(("absent", _)) => Fact::Absent,
            Some((owner, content)) if owner.split(' ').count() == 3 => {
                Fact::Known(Self { owner: owner.to_owned(), content: content.to_owned() })
            }
            _ if answer.trim() == "absent" => Fact::Absent,
            _ if answer.trim() == "other" => Fact::Unread("it is there and is not a regular file".into()),
            Some(("unsafe", why)) => Fact::Unread(why.trim().to_owned()),
            _ if answer.trim() == "large" => Fact::Unread("it is larger than 16 MiB".into()),
            _ => super::kind::unclear(answer),
        }
    }

    /// As it is shown: who it belongs to, and its content.
    pub fn shown(&self) -> String {
        format!("{}\n{}", self.owner, self.content)
    }
}

impl File {
    /// The same as a state.
    pub fn state(&self) -> FileState {
        let owner = format!("{} {} {}", self.owner, self.group, self.mode.trim_start_matches('0'));
        FileState { owner, content: self.content.clone() }
    }

    /// What `put_file` gets.
    pub fn work(&self) -> Work<'_> {
        let args = [&self.path, &self.owner, &self.group, &self.mode].map(Clone::clone).to_vec();
        Work { args, input: Cow::Borrowed(&self.content) }
    }
}

impl Kind for File {
    const WORD: &'static str = "file";
    const LOOK: &'static str = "show_file \"$1\"";
    const APPLY: &'static str = "put_file \"$@\"";

    const AFTER: &'static [KindName] = &[KindName::Packages];
    const BEFORE_SERVER: bool = true;

    type Spec = FileSpec;
    type State = FileState;
    type Obstacle = Infallible;

    fn declare(spec: FileSpec, role: &dyn RoleFolder) -> Result<Self, Wrong> {
        let FileSpec { path: Text(path), content, template, source, owner, group, mode } = spec;
        if !path.starts_with('/') || path.ends_with('/') {
            return Err(Wrong::must_be("path", "an absolute path"));
        }
        let content = match (content, template, source) {
            (Some(AnyText(content)), None, None) => content,
            (None, Some(Text(template)), None) => {
                let text = role
                    .file("templates", &template)
                    .ok_or_else(|| Wrong::must_be("template", "a file in the role's folder templates/"))?;
                role.render(&template, &text).map_err(|problem| Wrong::Elsewhere(Box::new(problem)))?
            }
            (None, None, Some(Text(source))) => role
                .file("files", &source)
                .ok_or_else(|| Wrong::must_be("source", "a file in the role's folder files/"))?,
            _ => {
                return Err(Wrong::must_be("content", "given exactly once, as content, template or source"));
            }
        };
        let owner = owner.map_or_else(|| "root".to_owned(), |text| text.0);
        let group = group.map_or_else(|| owner.clone(), |text| text.0);
        let mode = mode.map_or_else(|| "0644".to_owned(), |mode| mode.0);
        Ok(File { path, content, owner, group, mode })
    }

    fn name(&self) -> Option<String> {
        // The path's own slash stands between the kind and the name.
        Some(self.path.trim_start_matches('/').to_owned())
    }

    fn ask(&self) -> Vec<String> {
        vec![self.path.clone()]
    }

    fn read(&self, answer: &str) -> Fact<FileState> {
        FileState::read(answer)
    }

    fn compare(&self, now: Option<&FileState>) -> Comparison<Self> {
        if now == Some(&self.state()) { Comparison::Same } else { Comparison::Differs(self.clone()) }
    }

    fn work(&self, _now: Option<&FileState>) -> Work<'_> {
        self.work()
    }

    fn brings_packages(&self) -> bool {
        let folders =
            ["/etc/apt/", "/etc/yum.repos.d/", "/etc/dnf/", "/etc/pki/rpm-gpg/", "/usr/share/keyrings/"];
        folders.iter().any(|folder| self.path.starts_with(folder))
    }

    fn what(&self) -> String {
        self.path.clone()
    }

    fn summary(&self, now: Option<&FileState>) -> String {
        let verb = if now.is_some() { "change" } else { "write" };
        format!("{verb} {}", self.path)
    }

    fn before(&self, now: Option<&FileState>) -> Option<String> {
        now.map(FileState::shown)
    }

    fn after(&self) -> Option<String> {
        Some(self.state().shown())
    }

    fn without_effect(&self, _now: Option<&FileState>) -> (String, Option<String>) {
        let why = format!("{} was written, and is another one again", self.path);
        (why, Some("Another program on the host writes it; let one of the two have it.".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_absent_or_unread() {
        assert_eq!(FileState::read("absent\n"), Fact::Absent);
        let owner = "root root 644".to_owned();
        assert_eq!(
            FileState::read("root root 644\na\nb\n"),
            Fact::Known(FileState { owner, content: "a\nb\n".into() })
        );
        assert!(matches!(FileState::read("other\n"), Fact::Unread(_)));
        assert!(matches!(FileState::read("cat: /etc/x: Permission denied"), Fact::Unread(_)));
    }
}
