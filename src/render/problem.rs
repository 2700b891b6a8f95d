//! Mistakes in files, drawn with the lines they are about.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use crate::source::{Problem, Severity, Sources};

/// The text of problems, errors first, as they are shown on standard error.
pub(crate) fn problems(problems: &[Problem], sources: &Sources, colours: bool, width: usize) -> String {
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(width).with_context_lines(1).with_links(false);
    let mut text = String::new();
    for problem in problems {
        let related = problem
            .related
            .iter()
            .filter(|(place, _)| place.file != problem.place.file)
            .map(|(place, label)| Drawn {
                message: label.clone(),
                code: None,
                severity: miette::Severity::Advice,
                help: None,
                text: source(place.file.as_ref(), sources),
                labels: vec![span(place, "here", sources)],
                related: Vec::new(),
            })
            .collect();
        let mut labels = vec![span(&problem.place, &problem.label, sources)];
        if let Some((place, label)) = &problem.related
            && place.file == problem.place.file
        {
            labels.push(span(place, label, sources));
        }
        let shown = [Some(&problem.place), problem.related.as_ref().map(|(place, _)| place)];
        let short = shown.into_iter().flatten().all(|place| has_short_lines(place, sources));
        let message = match short {
            true => problem.message.clone(),
            false => format!("{} ({})", problem.message, problem.place),
        };
        let drawn = Drawn {
            message,
            code: Some(problem.code),
            severity: match problem.severity {
                Severity::Error => miette::Severity::Error,
                Severity::Warning => miette::Severity::Warning,
            },
            help: problem.help.clone(),
            text: source(problem.place.file.as_ref(), sources).filter(|_| short),
            labels: if problem.place.line == 0 { Vec::new() } else { labels },
            related,
        };
        if handler.render_report(&mut text, &drawn).is_err() {
            text.push_str(&problem.message);
        }
        text.push('\n');
    }
    text
}

fn span(place: &crate::model::Place, label: &str, sources: &Sources) -> LabeledSpan {
    let label = (!label.is_empty()).then(|| label.to_owned());
    // Of a vault there are lines to point to, but not what stood on them.
    let shown = sources.shown(&place.file);
    if let Some(shown) = shown.as_ref().filter(|_| sources.is_vault(&place.file)) {
        let lines: Vec<&str> = shown.text.split_inclusive('\n').collect();
        let before = (place.line as usize).saturating_sub(1).min(lines.len().saturating_sub(1));
        let offset = lines.iter().take(before).map(|line| line.len()).sum();
        return LabeledSpan::new(label, offset, lines.get(before).map_or(1, |l| l.trim_end().len().max(1)));
    }
    let (offset, length) = match &shown {
        Some(shown) => shown.span(place.offset, place.length),
        None => (place.offset, place.length.max(1)),
    };
    LabeledSpan::new(label, offset, length)
}

/// Whether the lines around a place can be drawn: those of a file that a program has written may have no end.
fn has_short_lines(place: &crate::model::Place, sources: &Sources) -> bool {
    const LONGEST: usize = 4000;
    let Some(shown) = sources.shown(&place.file) else { return true };
    let first = (place.line as usize).saturating_sub(3);
    shown.text.lines().skip(first).take(5).all(|line| line.len() <= LONGEST)
}

fn source(file: &str, sources: &Sources) -> Option<NamedSource<String>> {
    sources.shown(file).map(|shown| NamedSource::new(file, shown.text))
}

#[derive(Debug)]
struct Drawn {
    message: String,
    code: Option<&'static str>,
    severity: miette::Severity,
    help: Option<String>,
    text: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    related: Vec<Drawn>,
}

impl std::fmt::Display for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.code.map(|c| Box::new(c) as Box<dyn std::fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(self.severity)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.as_ref().map(|h| Box::new(h) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match (self.labels.is_empty(), &self.text) {
            (false, Some(_)) => Some(Box::new(self.labels.iter().cloned())),
            _ => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        if self.related.is_empty() {
            return None;
        }
        Some(Box::new(self.related.iter().map(|r| r as &dyn Diagnostic)))
    }
}
