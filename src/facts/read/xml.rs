//! XML as a flat walk over elements: no tree; a document that defines entities of its own is refused, a torn one is an
//! error. Knows no report format.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What a walk sees of an element.
pub(in crate::facts) struct Element<'a> {
    pub(in crate::facts) name: String,
    start: &'a BytesStart<'a>,
}

/// One step of a walk.
pub(in crate::facts) enum Step<'a> {
    Open(Element<'a>),
    Close(String),
}

impl Element<'_> {
    /// The attribute's text; none where there is no such attribute, or none that can be read.
    pub(in crate::facts) fn attribute(&self, name: &str) -> Option<String> {
        let attribute = self.start.try_get_attribute(name).ok()??;
        Some(attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?.into_owned())
    }

    /// Whether every attribute can be read: one that cannot must not pass for one that is not there.
    fn readable(&self) -> bool {
        self.start.attributes().all(|attribute| {
            attribute
                .is_ok_and(|attribute| attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).is_ok())
        })
    }

    pub(in crate::facts) fn number(&self, name: &str) -> Option<u64> {
        self.attribute(name)?.trim().parse().ok()
    }
}

/// Walks all elements; an element without content is opened and closed.
pub(in crate::facts) fn walk(path: &str, bytes: &[u8], each: &mut dyn FnMut(Step<'_>)) -> Result<(), String> {
    let torn =
        |reader: &Reader<&[u8]>, what: &str| format!("{path} at byte {}: {what}", reader.buffer_position());
    let mut reader = Reader::from_reader(bytes);
    let (mut depth, mut elements, mut buffer) = (0u64, 0u64, Vec::new());
    loop {
        let event = reader.read_event_into(&mut buffer);
        match event {
            Err(e) => return Err(torn(&reader, &format!("not XML ({e})"))),
            Ok(Event::Eof) if depth > 0 => return Err(torn(&reader, "the XML ends too early")),
            Ok(Event::Eof) if elements == 0 => return Err(format!("{path} holds no XML")),
            Ok(Event::Eof) => return Ok(()),
            // Reports have no use for entities of their own; bombs do.
            Ok(Event::DocType(kind)) if kind.to_lowercase().contains("<!entity") => {
                return Err(torn(&reader, "the XML defines entities, which reports have no use for"));
            }
            Ok(Event::Start(start) | Event::Empty(start))
                if !(Element { name: String::new(), start: &start }).readable() =>
            {
                return Err(torn(&reader, &format!("an attribute of `{}` cannot be read", name(&start))));
            }
            Ok(Event::Start(start)) => {
                (depth, elements) = (depth + 1, elements + 1);
                each(Step::Open(Element { name: name(&start), start: &start }));
            }
            Ok(Event::Empty(start)) => {
                elements += 1;
                each(Step::Open(Element { name: name(&start), start: &start }));
                each(Step::Close(name(&start)));
            }
            Ok(Event::End(end)) => {
                depth = depth.saturating_sub(1);
                each(Step::Close(end.local_name().as_ref().to_string()));
            }
            Ok(_) => {}
        }
        buffer.clear();
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_string()
}
