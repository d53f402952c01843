package dev.graft.jinja;

/// A method of a value, not called yet.
record BoundMethod(Object self, Method method) implements Callable {
    /// A method of a built-in type.
    ///
    /// @param name as Python calls it
    record Method(String name, Signature signature, Body body) {
        /// What a method does.
        ///
        /// `arguments` has a place for every parameter.
        interface Body {
            Object call(Run run, Object self, Object[] arguments);
        }
    }

    @Override
    public Object call(Run run, Arguments arguments) {
        run.weigh(self);
        return method.body.call(run, self, method.signature.bind(arguments));
    }
}
