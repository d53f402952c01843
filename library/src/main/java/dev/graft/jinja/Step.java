package dev.graft.jinja;

/// A statement ready to run.
interface Step {
    /// How a statement ended.
    enum End {
        NORMAL,
        BREAK,
        CONTINUE
    }

    End run(Frame frame, StringBuilder out);

    /// One after the other.
    static Step all(java.util.List<Step> steps) {
        if (steps.size() == 1) {
            return steps.getFirst();
        }
        Step[] each = steps.toArray(Step[]::new);
        return (frame, out) -> {
            for (Step step : each) {
                End end = step.run(frame, out);
                if (end != End.NORMAL) {
                    return end;
                }
            }
            return End.NORMAL;
        };
    }
}
