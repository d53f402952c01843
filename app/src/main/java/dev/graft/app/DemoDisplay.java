package dev.graft.app;

import dev.graft.app.demo.LossCurve;
import dev.graft.train.TrainEvent;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// A run with its loss curve: drawn again and again in place on a terminal, once at the end
/// elsewhere.
final class DemoDisplay implements Consumer<TrainEvent> {
    private static final int HEIGHT = 10;
    private static final int WIDTH = 90;
    private static final int STEPS_A_FRAME = 5;

    private final Console console;
    private final boolean json;
    private final TrainDisplay plain;
    private final LossCurve curve;
    private final List<LossCurve.Point> points = new ArrayList<>();
    private int drawnLines;

    DemoDisplay(Console console, boolean json) {
        this.console = console;
        this.json = json;
        this.plain = new TrainDisplay(json ? console.toErr() : console);
        int width = Math.clamp(console.columns() - 1, 40, WIDTH);
        this.curve = LossCurve.forCharset(width, HEIGHT, StandardCharsets.UTF_8);
    }

    @Override
    public void accept(TrainEvent event) {
        if (event instanceof TrainEvent.Step step) {
            points.add(new LossCurve.Point(step.step(), step.loss()));
            if (console.terminal() && step.step() % STEPS_A_FRAME == 0) {
                erase();
                draw();
            }
            if (!console.terminal()) {
                plain.accept(event);
            }
            return;
        }
        erase();
        if (event instanceof TrainEvent.Finished) {
            draw();
            drawnLines = 0;
        }
        plain.accept(event);
    }

    private void draw() {
        List<String> lines = curve.draw(points);
        lines.forEach(console.human(json || console.terminal())::println);
        drawnLines = lines.size();
    }

    private void erase() {
        if (drawnLines > 0) {
            console.err().print("\u001b[" + drawnLines + "A\u001b[J");
            console.err().flush();
            drawnLines = 0;
        }
    }
}
