//! What people bring from other languages, and how it is said here.

use crate::base::Type;

/// A bare word of another language.
pub(super) fn word(name: &str) -> Option<&'static str> {
    Some(match name {
        "null" | "None" | "nil" | "undefined" | "NULL" => {
            "there is no null: a value that may be absent has a type with `?`, and `??` gives a default"
        }
        "True" | "TRUE" | "yes" | "on" => "write `true`",
        "False" | "FALSE" | "no" | "off" => "write `false`",
        "self" | "this" => "the stage's own outputs are `out.NAME`",
        "branch" => "write `git.branch`",
        "sha" | "commit" => "write `git.sha`",
        "exit_code" | "exitcode" | "returncode" | "status" => "write `exit`",
        "timed_out" | "timeout" => "write `timed-out`",
        "matrix" => "a value of the matrix is used by its own name",
        _ => return None,
    })
}

/// A function of another language.
pub(super) fn function(name: &str) -> Option<&'static str> {
    Some(match name {
        "length" | "size" | "count" => "write `len(…)`",
        "str" | "toString" | "to_string" | "format" => "write `string(…)` or an f-string",
        "int" | "float" | "number" | "parseInt" | "parseFloat" => {
            "nothing is converted: declare the type where the value comes from (`param n: int`, `measure n: int`)"
        }
        "concat" => "put strings together with an f-string, lists with `[...a, ...b]`",
        "contains" | "includes" => "for lists write `x in list`, for strings `text matches \"…\"`",
        "startsWith" | "startswith" | "starts_with" => {
            "write `text like \"start**\"` or `text matches \"^start\"`"
        }
        "endsWith" | "endswith" | "ends_with" => "write `text matches \"end$\"`",
        "exists" => "write `file.exists(\"…\")`",
        "getenv" | "environ" => "write `env(\"NAME\")`",
        "toUpper" | "uppercase" | "toUpperCase" => "write `upper(…)`",
        "toLower" | "lowercase" | "toLowerCase" => "write `lower(…)`",
        "strip" => "write `trim(…)`",
        "map" | "filter" => "write `[e for x in list if condition]`",
        "default" | "coalesce" => "write `value ?? default`",
        "not" => "write `not condition`",
        "print" | "echo" | "log" => "expressions only compute; print in a script",
        _ => return None,
    })
}

/// A member or method of another language on a value of type `ty`, written as `text`.
pub(super) fn member(name: &str, ty: &Type, text: &str) -> Option<String> {
    let list = matches!(ty, Type::List(_));
    Some(match name {
        "length" | "len" | "size" | "count" => format!("write `len({text})`"),
        "upper" | "toUpperCase" | "to_uppercase" => format!("write `upper({text})`"),
        "lower" | "toLowerCase" | "to_lowercase" => format!("write `lower({text})`"),
        "trim" | "strip" => format!("write `trim({text})`"),
        "split" => format!("write `split({text}, \",\")`"),
        "replace" => format!("write `replace({text}, \"from\", \"to\")`"),
        "join" if list => format!("write `join({text}, \",\")`"),
        "contains" | "includes" | "has" if list => format!("write `x in {text}`"),
        "contains" | "includes" => format!("write `{text} matches \"…\"`"),
        "startswith" | "startsWith" | "starts_with" => format!("write `{text} matches \"^…\"`"),
        "endswith" | "endsWith" | "ends_with" => format!("write `{text} matches \"…$\"`"),
        "matches" | "test" => format!("write `{text} matches \"…\"`"),
        "toString" | "to_string" => format!("write `string({text})`"),
        "name" | "basename" => format!("write `basename({text})`"),
        "parent" | "dirname" => format!("write `dirname({text})`"),
        "first" if list => format!("write `{text}[0]`"),
        "map" | "filter" if list => format!("write `[e for x in {text} if condition]`"),
        _ => return None,
    })
}
