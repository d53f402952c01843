package dev.graft.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.graft.jinja.JinjaException.Kind;
import java.time.Duration;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Templates come from elsewhere: none may hang, fill the memory, or reach anything.
class JinjaLimitsTest {
    private static Rendered render(String template, Map<String, ?> variables) {
        return Template.compile("hostile.jinja", template).render(variables);
    }

    private static JinjaException failure(String template) {
        return catchThrowableOfType(
                JinjaException.class,
                () ->
                        Assertions.assertTimeoutPreemptively(
                                Duration.ofSeconds(60), () -> render(template, Map.of())));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
                "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
                "{{ 'x' * 10000000000 }}",
                "{{ [0] * 10000000000 }}",
                "{{ 'x'|center(1000000000) }}",
                "{{ 'x'.ljust(1000000000) }}",
                "{{ '%1000000000d' % 1 }}",
                "{{ '%.1000000000f' % 1 }}",
                "{{ '{:1000000000}'.format(1) }}",
                "{{ 'ab'|indent(1000000000) }}",
                "{{ 10 ** 10000000 }}",
                "{% set ns = namespace(x=3) %}{% for i in range(99999) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
                "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99999) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
                "{% set ns = namespace(s='x') %}{% for i in range(99999) %}{% set ns.s = ns.s.replace('x', 'xx') %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(99999) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
                "{% set ns = namespace(l=[1]) %}{% for i in range(99999) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}",
                "{% set a = namespace(l=[1]) %}{% set b = namespace(l=[1]) %}{% for i in range(60) %}{% set a.l = [a.l, a.l] %}{% set b.l = [b.l, b.l] %}{% endfor %}{{ a.l == b.l }}",
                "{% set a = namespace(l=[1]) %}{% for i in range(60) %}{% set a.l = [a.l, a.l] %}{% endfor %}{{ a.l|tojson }}",
                "{% set a = namespace(l=[1]) %}{% for i in range(60) %}{% set a.l = [a.l, a.l] %}{% endfor %}{{ a.l|pprint }}",
                "{% set l = range(100000)|list %}{% for i in l %}{% for j in l %}{% if -1 in l %}{% endif %}{% endfor %}{% endfor %}",
                "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}",
                "{% for i in range(100000) %}{{ 'x' * 10000 }}{% endfor %}",
                "{{ ('\\t' * 100000).expandtabs(100000) }}",
                "{{ ('a' * 8000000)|wordwrap(1) }}",
                "{% set x = '😀' * 100000 %}{% for i in range(100000) %}{{ x[5:6] }}{% endfor %}",
            })
    void whatTakesTooMuchIsStopped(String template) {
        var failure = failure(template);
        assertThat(failure).isNotNull();
        assertThat(failure.kind()).isEqualTo(Kind.LIMIT);
        assertThat(failure.template()).isEqualTo("hostile.jinja");
        assertThat(failure).hasMessageStartingWith("hostile.jinja:");
    }

    @Test
    void aLongTextIsLookedForInATimeThatGrowsWithIt() {
        String template =
                "{% set long = 'a' * 4000000 %}{% set near = 'a' * 2000000 ~ 'b' %}"
                        + "{{ near in long }} {{ long.find(near) }} {{ long.rfind(near[::-1]) }}"
                        + " {{ long.split(near)|length }} {{ long.rsplit(near[::-1])|length }}"
                        + " {{ long.replace(near, '')|length }} {{ long.count(near) }}"
                        + " {{ long.find(long[:99], 7) }} {{ long.rfind(long[:99]) }}"
                        + " {{ ('a b ' * 500000).rsplit()|length }} {{ ('ß😀' * 999999)|upper|length }}";
        String text =
                Assertions.assertTimeoutPreemptively(
                        Duration.ofSeconds(60), () -> render(template, Map.of()).text());
        assertThat(text).isEqualTo("False -1 -1 1 1 4000000 0 7 3999901 1000000 2999997");
    }

    @Test
    void deepNestingIsRefusedWhenRead() {
        assertThat(failure("{{ " + "(".repeat(5000) + "1" + ")".repeat(5000) + " }}").kind())
                .isEqualTo(Kind.LIMIT);
        assertThat(failure("{{ " + "not ".repeat(100_000) + "1 }}").kind()).isEqualTo(Kind.LIMIT);
        assertThat(failure("{% if 1 %}".repeat(5000) + "{% endif %}".repeat(5000)).kind())
                .isEqualTo(Kind.LIMIT);
        assertThat(failure("{{ 1" + " + 1".repeat(200_000) + " }}").kind()).isEqualTo(Kind.LIMIT);
    }

    @Test
    void limitsAreTheCallers() {
        var template = Template.compile("t", "{% for i in range(10) %}{{ i }}{% endfor %}");
        assertThat(template.render(Map.of()).text()).isEqualTo("0123456789");
        var few = new Limits(15, 10, 1000, 1000);
        assertThatThrownBy(() -> template.render(Map.of(), few, ZonedDateTime::now))
                .hasMessageContaining("more than 15 steps");
        var narrow = new Limits(1000, 10, 5, 1000);
        assertThatThrownBy(() -> template.render(Map.of(), narrow, ZonedDateTime::now))
                .hasMessageContaining("more than 5");
    }

    @Test
    void onlyPlainValuesGoIn() {
        assertThatThrownBy(() -> render("", Map.of("x", new StringBuilder("a"))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("java.lang.StringBuilder");
        assertThatThrownBy(() -> render("", Map.of("x", List.of(Thread.currentThread()))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(render("{{ x }}", Map.of("x", List.of(1, 2L, 1.5f, "a"))).text())
                .isEqualTo("[1, 2, 1.5, 'a']");
    }

    @Test
    void aRefusalOfTheTemplateCarriesItsOwnWords() {
        var failure = failure("\n\n{{ raise_exception('roles: %s' % 'user') }}");
        assertThat(failure.kind()).isEqualTo(Kind.RAISED);
        assertThat(failure.detail()).isEqualTo("roles: user");
        assertThat(failure.line()).isEqualTo(3);
    }

    @Test
    void errorsNameTheLine() {
        assertThat(failure("a\n{{ b.c }}").getMessage())
                .isEqualTo("hostile.jinja:2: 'b' is undefined");
        assertThat(failure("a\n\n{% nope %}").line()).isEqualTo(3);
        assertThat(failure("{% macro m() %}\n{{ 1 / 0 }}\n{% endmacro %}\n\n{{ m() }}").line())
                .isEqualTo(2);
    }

    @Test
    void oneTemplateServesSeveralThreads() throws Exception {
        var template =
                Template.compile(
                        "t",
                        "{% set ns = namespace(n=0) %}{% for i in range(n) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}");
        var threads = new Thread[4];
        var wrong = new java.util.concurrent.atomic.AtomicInteger();
        for (int t = 0; t < threads.length; t++) {
            long n = 100L + t;
            threads[t] =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        for (int i = 0; i < 200; i++) {
                                            String text = template.render(Map.of("n", n)).text();
                                            if (!text.equals(Long.toString(n * (n - 1) / 2))) {
                                                wrong.incrementAndGet();
                                            }
                                        }
                                    });
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(wrong).hasValue(0);
    }
}
