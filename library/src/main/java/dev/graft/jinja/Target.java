package dev.graft.jinja;

import java.util.List;

/// What an assignment sets.
sealed interface Target {
    void set(Frame frame, Object value);

    /// Refuses attributes of what is no namespace, before the value is computed.
    default void check(Frame frame) {}

    static Target of(Expression target, Scope scope) {
        return switch (target) {
            case Expression.Name(String name, int _) ->
                    new Variable(scope.variable(name).slot(), scope.top() ? name : null);
            case Expression.NamespaceRef(String name, String attribute, int _) ->
                    new Attribute(scope.variable(name), attribute);
            case Expression.TupleOf(var items, int _) ->
                    new Several(items.stream().map(item -> of(item, scope)).toList());
            default -> throw new IllegalStateException("not a target: " + target);
        };
    }

    /// A variable of the function at hand; `exported` is its name where macros see it, or null.
    record Variable(int slot, String exported) implements Target {
        @Override
        public void set(Frame frame, Object value) {
            frame.slots[slot] = value;
            if (exported != null) {
                frame.run.set(exported, value);
            }
        }
    }

    /// `namespace.attribute`.
    record Attribute(Scope.Variable variable, String attribute) implements Target {
        @Override
        public void check(Frame frame) {
            if (!(variable.get(frame) instanceof Namespace)) {
                throw JinjaException.runtime("cannot assign attribute on non-namespace object");
            }
        }

        @Override
        public void set(Frame frame, Object value) {
            if (!(variable.get(frame) instanceof Namespace namespace)) {
                throw JinjaException.type(
                        "'%s' object does not support item assignment",
                        Types.name(variable.get(frame)));
            }
            namespace.attributes().put(attribute, value);
        }
    }

    /// `a, b`.
    record Several(List<Target> targets) implements Target {
        @Override
        public void check(Frame frame) {
            targets.forEach(target -> target.check(frame));
        }

        @Override
        public void set(Frame frame, Object value) {
            List<Object> items = Unpack.exactly(value, targets.size());
            for (int i = 0; i < items.size(); i++) {
                targets.get(i).set(frame, items.get(i));
            }
        }
    }
}
