package dev.graft.jinja;

import dev.graft.jinja.JinjaException.Kind;

/// A value that is not there: it prints as nothing, loops over nothing and is false; anything else
/// done with it is an error.
///
/// @param kind UNDEFINED, or SECURITY for an attribute that the sandbox hides
/// @param why what the error says
record Undefined(Kind kind, String why) {
    static Undefined named(String name) {
        return new Undefined(Kind.UNDEFINED, Repr.quote(name) + " is undefined");
    }

    static Undefined because(String why) {
        return new Undefined(Kind.UNDEFINED, why);
    }

    /// What an object does not have.
    static Undefined missing(Object object, Object name) {
        String type = object == null ? "None" : Types.name(object) + " object";
        return new Undefined(
                Kind.UNDEFINED,
                Texts.isText(name)
                        ? "'%s' has no attribute %s".formatted(type, Repr.repr(name))
                        : "%s has no element %s".formatted(type, Repr.repr(name)));
    }

    static Undefined unsafe(Object object, String name) {
        return new Undefined(
                Kind.SECURITY,
                "access to attribute %s of '%s' object is unsafe."
                        .formatted(Repr.quote(name), Types.name(object)));
    }

    JinjaException error() {
        return new JinjaException(kind, why);
    }

    /// Every undefined value equals every other.
    @Override
    public boolean equals(Object other) {
        return other instanceof Undefined;
    }

    @Override
    public int hashCode() {
        return 1;
    }
}
