package dev.graft.jinja;

import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/// A Jinja2 template, compiled once and rendered as often as wanted, by several threads at once.
///
/// It renders as Transformers does: `ImmutableSandboxedEnvironment` with `trim_blocks`,
/// `lstrip_blocks`, `break`, `continue` and `{% generation %}`, `tojson` as `json.dumps`,
/// `raise_exception` and `strftime_now`. A template reaches nothing but what it is given:
/// null, booleans, numbers, strings, lists and maps.
public final class Template {
    private final String name;
    private final Step body;

    private Template(String name, Step body) {
        this.name = name;
        this.body = body;
    }

    /// Reads a template.
    ///
    /// @param name what errors call the template, such as the file that it came from
    /// @throws JinjaException when the text is not a template
    public static Template compile(String name, String source) {
        try {
            return new Template(name, new Compiler(name).template(Parser.parse(source)));
        } catch (JinjaException e) {
            throw e.at(name, 1);
        } catch (StackOverflowError e) {
            throw JinjaException.limit("expressions nested too deep to read").at(name, 1);
        }
    }

    /// Renders with the limits of [Limits#DEFAULT] and the clock of this machine.
    public Rendered render(Map<String, ?> variables) {
        return render(variables, Limits.DEFAULT, ZonedDateTime::now);
    }

    /// Renders within other limits and at another time.
    ///
    /// @param variables the template's variables; their values are never changed
    /// @param clock what `strftime_now` reads
    /// @throws JinjaException when the template fails or refuses
    /// @throws IllegalArgumentException when a variable is not a plain value
    public Rendered render(Map<String, ?> variables, Limits limits, Supplier<ZonedDateTime> clock) {
        Map<String, Object> given = LinkedHashMap.newLinkedHashMap(variables.size());
        variables.forEach((key, value) -> given.put(key, Types.admit(value)));
        var run = new Run(given, limits, clock);
        try {
            var outside = new Frame(new Scope.Function(null), null, run);
            ScopedValue.where(Run.CURRENT, run).run(() -> body.run(outside, run.output));
        } catch (JinjaException e) {
            throw e.at(name, 1);
        } catch (StackOverflowError e) {
            throw JinjaException.limit("nested too deep to render").at(name, 1);
        }
        return rendered(run);
    }

    private static Rendered rendered(Run run) {
        String text = run.output.toString();
        List<Rendered.Span> spans = new ArrayList<>();
        List<Rendered.Span> points = new ArrayList<>();
        int seen = 0;
        int seenPoints = 0;
        for (Run.Generated part : run.generated) {
            seenPoints += text.codePointCount(seen, part.start());
            seen = part.start();
            spans.add(new Rendered.Span(part.start(), part.end()));
            points.add(new Rendered.Span(seenPoints, seenPoints + part.points()));
        }
        return new Rendered(text, spans, points);
    }
}
