package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.luben.zstd.Zstd;
import dev.graft.Shared;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetReaderTest {
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir private Path folder;

    private Path write(String name, String content) throws IOException {
        return Files.writeString(folder.resolve(name), content);
    }

    private Path zip(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        try (var out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(content.getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    private static List<Row> rows(Path... files) {
        var rows = new ArrayList<Row>();
        try (var reader = DatasetReader.open(files)) {
            reader.forEachRemaining(rows::add);
        }
        return rows;
    }

    private static List<String> values(Path... files) {
        return rows(files).stream().map(row -> row.values().toString()).toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"data.json", "data.jsonl", "data.ndjson", "data.jsonl.gz", "data.json.gz"})
    void jsonIsReadAsItIsWritten(String name) throws IOException {
        String lines =
                """
                {"a":"2020-01-02","t":"2020-01-02T03:04:05Z","n":{"x":1}}
                {"a":"é \\n 😀","n":{"y":[null,1.5,true]},"big":12345678901234567890}
                """;
        Path file = name.endsWith(".gz") ? zip(name, lines) : write(name, lines);

        assertThat(values(file))
                .containsExactly(
                        "{\"a\":\"2020-01-02\",\"t\":\"2020-01-02T03:04:05Z\",\"n\":{\"x\":1}}",
                        "{\"a\":\"é \\n 😀\",\"n\":{\"y\":[null,1.5,true]},\"big\":12345678901234567890}");
    }

    @Test
    void aJsonArrayIsOneRowForEachElement() throws IOException {
        Path file = write("it's [1].json", "[\n {\"a\": 1},\n\n {\"a\": 2}]");

        assertThat(rows(file)).extracting(Row::number).containsExactly(1L, 2L);
        assertThat(values(file)).containsExactly("{\"a\":1}", "{\"a\":2}");
    }

    @Test
    void blankLinesAndAByteOrderMarkAreNoRows() throws IOException {
        assertThat(values(write("x.jsonl", "\uFEFF{\"a\":1}\n\n  \n{\"a\":2}\n\n")))
                .containsExactly("{\"a\":1}", "{\"a\":2}");
    }

    @Test
    void csvFieldsStayText() throws IOException {
        String csv = "a,\"b, c\",d\n001,\"x \"\"y\"\"\nz\",2020-01-02\n#1,,NULL\n";
        var expected =
                List.of(
                        "{\"a\":\"001\",\"b, c\":\"x \\\"y\\\"\\nz\",\"d\":\"2020-01-02\"}",
                        "{\"a\":\"#1\",\"b, c\":null,\"d\":\"NULL\"}");

        assertThat(values(write("x.csv", csv))).isEqualTo(expected);
        assertThat(values(write("bom.csv", "\uFEFF" + csv))).isEqualTo(expected);
        assertThat(values(write("crlf.csv", csv.replace("\n", "\r\n").replace("\r\nz", "\nz"))))
                .isEqualTo(expected);
        assertThat(values(zip("x.csv.gz", csv))).isEqualTo(expected);
        assertThat(values(write("semicolon.csv", "a;b\n1,5;2\n")))
                .containsExactly("{\"a\":\"1,5\",\"b\":\"2\"}");
        assertThat(values(write("tab.tsv", "a\tb\n1\t2\n")))
                .containsExactly("{\"a\":\"1\",\"b\":\"2\"}");
    }

    @Test
    void aTextFileIsOneDocument() throws IOException {
        assertThat(values(write("x.txt", "One.\n\nTwo.\n"), zip("y.txt.gz", "Three")))
                .containsExactly("{\"text\":\"One.\\n\\nTwo.\\n\"}", "{\"text\":\"Three\"}");
        assertThat(
                        rows(Shared.folder("data/corpora/war-and-peace.txt"))
                                .getFirst()
                                .values()
                                .get("text")
                                .textValue())
                .hasSizeGreaterThan(3_000_000);
    }

    @Test
    void filesFollowOneAnotherAndAGlobNamesSeveral() throws IOException {
        Path b = write("b.jsonl", "{\"n\":2}\n{\"n\":3}");
        Path a = write("a.jsonl", "{\"n\":1}");
        write("c.txt", "no");

        assertThat(values(b, a)).containsExactly("{\"n\":2}", "{\"n\":3}", "{\"n\":1}");
        assertThat(values(folder.resolve("*.jsonl")))
                .containsExactly("{\"n\":1}", "{\"n\":2}", "{\"n\":3}");
        assertThat(rows(folder.resolve("*.jsonl")))
                .extracting(Row::number)
                .containsExactly(1L, 1L, 2L);
    }

    @Test
    void anEmptyFileHasNoRows() throws IOException {
        assertThat(rows(write("x.jsonl", ""))).isEmpty();
        assertThat(rows(write("x.json", "[]"))).isEmpty();
        assertThat(rows(write("x.csv", "a,b\n"))).isEmpty();
    }

    @Test
    void aMissingFileIsNamed() throws IOException {
        for (String name : List.of("no.jsonl", "no/data.jsonl", "*.csv", "*/x.csv")) {
            assertThatThrownBy(() -> DatasetReader.open(folder.resolve(name)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining(name)
                    .hasMessageContaining("no");
        }
        assertThatThrownBy(() -> DatasetReader.open(folder))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("found a folder")
                .hasMessageContaining("*.jsonl");
        Path odd = write("x.docx", "");
        assertThatThrownBy(() -> DatasetReader.open(odd))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("unknown kind")
                .hasMessageContaining(".parquet");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "bad.jsonl | {'a':1};{'a':2;{'a':3} | line 2: found {'a':2 (",
                "bad.jsonl | {'a':1};not json | line 2: found not json (",
                "bad.jsonl | {'a':1};{'a':2}} | line 2",
                "bad.json | [{'a':1},{'a':] | line 1 column 15: not valid JSON",
                "odd.jsonl | {'a':1};[1,2] | line 2: found [1,2] (not an object)",
                "odd.json | ['x'] | row 1: found 'x', expected an object",
                "bad.csv | a,b;1,2;3;4,5 | line 3: found 1 fields (3), expected the 2",
                "bad.csv | a,b;1,2;3,'x;4,5 | line 3: cannot be read as CSV: Missing closing quote",
                "twice.csv | a,a;1,2 | columns [a, a]",
                "bad.parquet | hello | Parquet"
            })
    void aBrokenRowIsNamed(String name, String content, String says) throws IOException {
        Path file = write(name, content.replace('\'', '"').replace(';', '\n') + "\n");

        assertThatThrownBy(() -> rows(file))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining(file.toString())
                .hasMessageContaining(says.replace('\'', '"'));
    }

    @Test
    void textThatIsNotUtf8IsRefusedWithItsLine() throws IOException {
        for (String name : List.of("latin.txt", "latin.json", "latin.jsonl", "latin.csv")) {
            Path file = folder.resolve(name);
            Files.write(file, "{}\n{}\ncaf\u00e9".getBytes(StandardCharsets.ISO_8859_1));

            assertThatThrownBy(() -> rows(file))
                    .hasMessageContaining(name + " line 3: not UTF-8")
                    .hasMessageContaining("iconv");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"json", "jsonl", "ndjson", "csv", "tsv", "txt"})
    void everyFormatIsReadPlainAndPacked(String ending) throws IOException {
        String text =
                switch (ending) {
                    case "json" -> "[{\"a\":\"é\",\"b\":\"2\"}]";
                    case "csv" -> "a,b\né,2\n";
                    case "tsv" -> "a\tb\né\t2\n";
                    case "txt" -> "é\n";
                    default -> "{\"a\":\"é\",\"b\":\"2\"}\n";
                };
        Path zstd = folder.resolve("x." + ending + ".zst");
        byte[] frame = Zstd.compress(text.getBytes(StandardCharsets.UTF_8));
        Files.write(zstd, frame);
        var expected = values(write("x." + ending, text));

        assertThat(expected)
                .containsExactly(
                        ending.equals("txt") ? "{\"text\":\"é\\n\"}" : "{\"a\":\"é\",\"b\":\"2\"}");
        assertThat(values(zip("x." + ending + ".gz", text))).isEqualTo(expected);
        assertThat(values(zstd)).isEqualTo(expected);
        Path cut = folder.resolve("cut." + ending + ".zst");
        Files.write(cut, Arrays.copyOf(frame, frame.length - 3));
        assertThatThrownBy(() -> rows(cut)).hasMessageContaining("cannot be read as zstd");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pretty.json", "pretty.jsonl"})
    void objectsMayTakeSeveralLinesOrBeAList(String name) throws IOException {
        assertThat(values(write(name, "{\n \"a\": 1\n}\n{\n \"a\": NaN\n}")))
                .containsExactly("{\"a\":1}", "{\"a\":\"NaN\"}");
        assertThat(values(write(name, "\uFEFF[{\"a\":1},\n{\"a\":2}]")))
                .containsExactly("{\"a\":1}", "{\"a\":2}");
    }

    @Test
    void csvAsProgramsWriteIt() throws IOException {
        assertThat(values(write("index.csv", ",a\n0,x\n")))
                .containsExactly("{\"Unnamed: 0\":\"0\",\"a\":\"x\"}");
        assertThat(values(write("case.csv", "Text, text \n1,2\n")))
                .containsExactly("{\"Text\":\"1\",\"text\":\"2\"}");
        assertThat(values(write("bar.csv", "a|b\n1,5|2\n")))
                .containsExactly("{\"a\":\"1,5\",\"b\":\"2\"}");
        assertThat(values(write("mixed.csv", "a,b\r\n1,2,\n\n3,\"\"\r5,it\"s")))
                .containsExactly(
                        "{\"a\":\"1\",\"b\":\"2\"}",
                        "{\"a\":\"3\",\"b\":\"\"}",
                        "{\"a\":\"5\",\"b\":\"it\\\"s\"}");
    }

    private DatasetReader where(Path file, String where, boolean skipBad) {
        return DatasetReader.open(
                new DatasetSource(
                        List.of(file), DatasetFormat.AUTO, "text", Map.of(), where, skipBad));
    }

    @Test
    void badLinesOfCsvAndOfFilteredFilesAreSkippedAndCounted() throws IOException {
        Path csv = write("x.csv", "a,b\n1,2,3\n4,5\n6\n7,8\n");
        Path lines = write("x.jsonl", "{\"a\":1}\nbad\n{\"a\":2}\n{\"a\":3}\n");
        try (var reader = where(csv, "", true);
                var filtered = where(lines, "a > 1", true)) {
            assertThat(reader).toIterable().extracting(Row::number).containsExactly(3L, 5L);
            assertThat(reader.skipped()).isEqualTo(2);
            assertThat(filtered).toIterable().extracting(Row::number).containsExactly(3L, 4L);
            assertThat(filtered.skipped()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "n > 1.05 | 2",
                "n = 1 OR late IS NOT NULL | 2",
                "ok | 1",
                "Length(T) > 1 AND t LIKE 'b%' | 1",
                "json_array_length(list) = 2 -- so many | 1",
            })
    void aConditionSeesNumbersTruthAndTexts(String where, int count) throws IOException {
        Path file =
                write(
                        "x.jsonl",
                        """
                        {"n":1,"ok":true,"t":"a","list":[1,2]}
                        {"n":1.04,"ok":false,"t":"bb","list":[]}
                        {"n":1.06,"t":null,"late":"x"}
                        {"n":10,"ok":null,"t":"c"}
                        """);
        try (var reader = where(file, where, false)) {
            assertThat(reader).toIterable().hasSize(count);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a > ",
                "no > 1",
                "a = 1) UNION SELECT 1 FROM (SELECT 2",
                "1=1); COPY chunk TO 'x.csv'; --",
                "a IN (SELECT 1 FROM read_csv('/etc/passwd'))",
                "a < 3) ORDER BY (a",
                "count(*) > 1",
                "a > 'x'"
            })
    void whatIsNoConditionOnARowIsRefused(String where) throws IOException {
        Path file = write("x.jsonl", "{\"a\":1}\n");
        assertThatThrownBy(
                        () -> {
                            try (var reader = where(file, where, false)) {
                                reader.forEachRemaining(_ -> {});
                            }
                        })
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("dataset_where: " + where + ": ");
    }

    @Test
    void wildcardsMayStandInFolders() throws IOException {
        Files.createDirectories(folder.resolve("a/deep"));
        write("a/x.jsonl", "{\"n\":1}");
        write("a/deep/x.jsonl", "{\"n\":2}");

        assertThat(values(folder.resolve("*/x.jsonl"))).containsExactly("{\"n\":1}");
        assertThat(values(folder.resolve("**/x.jsonl")))
                .containsExactlyInAnyOrder("{\"n\":1}", "{\"n\":2}");
        assertThatThrownBy(() -> DatasetReader.open(folder.resolve("[x.jsonl")))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("as a pattern it is wrong");
    }

    @ParameterizedTest
    @CsvSource({
        "alpaca/alpaca_random2000_seed42.jsonl, 2000",
        "alpaca/code_alpaca_2k.json, 2017",
        "alpaca/rasbt_instruction_data_1100.json, 1100",
        "dolly/dolly_3k_original_columns.jsonl, 2996",
        "gsm8k/test.jsonl, 1319",
        "llama-factory/alpaca_zh_demo.json, 1000",
        "sharegpt/messages_turkish_525rows.jsonl, 525",
        "preference/hh_rlhf_harmless_base_test.jsonl.gz, 2312"
    })
    void everyRowOfARealJsonFileEqualsWhatJacksonReads(String name, int count) throws IOException {
        Path file = Shared.folder("data/datasets/" + name);
        var rows = rows(file);

        assertThat(rows.size()).isEqualTo(count);
        if (name.endsWith(".json")) {
            JsonNode whole = JSON.readTree(file.toFile());
            for (int i = 0; i < count; i++) {
                assertThat(rows.get(i).values()).isEqualTo(whole.get(i));
            }
        } else if (name.endsWith(".jsonl")) {
            var lines = Files.readAllLines(file);
            for (int i = 0; i < count; i++) {
                assertThat(rows.get(i).values()).isEqualTo(JSON.readTree(lines.get(i)));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "c4_train_200rows_zstd.parquet, 200, text",
        "spider_train_7000rows_snappy.parquet, 7000, question",
        "messages_turkish_525rows_zstd.parquet, 525, topic"
    })
    void parquetColumnsBecomeAnObject(String name, int count, String column) {
        var rows = rows(Shared.folder("data/datasets/parquet/" + name));

        assertThat(rows)
                .hasSize(count)
                .allSatisfy(row -> assertThat(row.columns()).contains(column));
        assertThat(rows.getFirst().values().get(column).isTextual()).isTrue();
    }

    @Test
    void parquetAndJsonLinesOfTheSameChatsAreEqual() {
        var fromParquet =
                rows(Shared.folder("data/datasets/parquet/messages_turkish_525rows_zstd.parquet"));
        var fromJson = rows(Shared.folder("data/datasets/sharegpt/messages_turkish_525rows.jsonl"));

        for (int i = 0; i < fromJson.size(); i++) {
            assertThat(fromParquet.get(i).values().get("messages"))
                    .isEqualTo(fromJson.get(i).values().get("messages"));
        }
    }
}
