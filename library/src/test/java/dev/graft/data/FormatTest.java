package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.Shared;
import dev.graft.error.ConfigException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FormatTest {
    private static Row row(String json) throws IOException {
        return new Row(Path.of("d.jsonl"), 7, (ObjectNode) new JsonMapper().readTree(json));
    }

    @Test
    void alpacaIsThePromptOfStanford() throws IOException {
        assertThat(
                        new TextFormat.Alpaca()
                                .segments(
                                        row(
                                                "{\"instruction\":\"Add 100% of these.\",\"input\":\"1 2\",\"output\":\"3\"}")))
                .containsExactly(
                        new Segment(
                                "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\nAdd 100% of these.\n\n### Input:\n1 2\n\n### Response:",
                                false),
                        new Segment("3", true));
        for (String withoutInput :
                List.of(
                        "{\"instruction\":\"Hi\",\"input\":\"\",\"output\":\"Ho\"}",
                        "{\"instruction\":\"Hi\",\"input\":null,\"output\":\"Ho\"}",
                        "{\"instruction\":\"Hi\",\"output\":\"Ho\"}")) {
            assertThat(new TextFormat.Alpaca().segments(row(withoutInput)))
                    .containsExactly(
                            new Segment(
                                    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nHi\n\n### Response:",
                                    false),
                            new Segment("Ho", true));
        }
    }

    @Test
    void nothingIsPutBetweenPromptAndCompletion() throws IOException {
        assertThat(
                        new TextFormat.PromptCompletion()
                                .segments(row("{\"prompt\":\"Q: \",\"completion\":\" A\"}")))
                .containsExactly(new Segment("Q: ", false), new Segment(" A", true));
    }

    private static String said(Sample sample) {
        return switch (sample) {
            case Sample.Text(var segments) -> segments.toString();
            case Sample.Chat(var chat) ->
                    chat.messages().stream()
                                    .map(m -> m.path("role").asText())
                                    .collect(Collectors.joining(" "))
                            + " from "
                            + chat.promptMessages()
                            + (chat.tools() == null ? "" : " tools " + chat.tools().size());
            case Sample.Nothing() -> "nothing";
        };
    }

    @ParameterizedTest
    @CsvSource({
        "alpaca/alpaca_random2000_seed42.jsonl, Alpaca, 2000",
        "alpaca/alpaca_union_17387.jsonl, Alpaca, 17387",
        "alpaca/alpagasus_random_9k.json, Alpaca, 9229",
        "alpaca/code_alpaca_2k.json, Alpaca, 2017",
        "alpaca/rasbt_instruction_data_1100.json, Alpaca, 1100",
        "dolly/dolly_3k_original_columns.jsonl, Alpaca, 2996",
        "dolly/litgpt_dolly.json, Alpaca, 12",
        "llama-factory/alpaca_en_demo.json, Alpaca, 999",
        "llama-factory/alpaca_zh_demo.json, Alpaca, 1000",
        "llama-factory/c4_demo.jsonl, Plain, 300",
        "llama-factory/dpo_en_demo.json, Preference, 300",
        "llama-factory/glaive_toolcall_en_demo.json, MessageList, 300",
        "llama-factory/identity.json, Alpaca, 91",
        "llama-factory/kto_en_demo.json, Unpaired, 300",
        "llama-factory/reason_tool_use_demo_50.jsonl, MessageList, 50",
        "llama-factory/v1_dpo_demo.jsonl, Preference, 10",
        "llama-factory/v1_sft_demo.jsonl, MessageList, 500",
        "mlx_prompt_completion/train.jsonl, PromptCompletion, 1800",
        "mlx_wikisql/train.jsonl, Plain, 1000",
        "parquet/c4_train_200rows_zstd.parquet, Plain, 200",
        "parquet/messages_turkish_525rows_zstd.parquet, MessageList, 525",
        "preference/hh_rlhf_harmless_base_test.jsonl.gz, Preference, 2312",
        "preference/maxtext_dpo_2_column.json, Preference, 22",
        "preference/maxtext_dpo_3_column.json, Preference, 22",
        "preference/rasbt_instruction_data_with_preference.json, Preference, 1100",
        "sharegpt/fastchat_dummy_conversation.json, MessageList, 500",
        "sharegpt/messages_turkish_525rows.jsonl, MessageList, 525",
        "tiny/litgpt_alpaca.json, Alpaca, 23",
        "tiny/torchtune_alpaca_tiny.json, Alpaca, 100",
        "tiny/torchtune_chat_tiny.json, MessageList, 1",
        "tiny/torchtune_hh_rlhf_tiny.json, Preference, 1",
        "tiny/torchtune_instruct_tiny.json, Alpaca, 2"
    })
    void realFilesTellTheirFormatAndEveryRowFits(String name, String format, int count) {
        try (var rows = DatasetReader.open(Shared.folder("data/datasets/" + name))) {
            Format detected = null;
            int seen = 0;
            while (rows.hasNext()) {
                Row row = rows.next();
                if (detected == null) {
                    detected = Format.of(DatasetFormat.AUTO, "text", row);
                    assertThat(detected.getClass().getSimpleName()).isEqualTo(format);
                }
                assertThat(said(detected.sample(row))).isNotEmpty();
                seen++;
            }
            assertThat(seen).isEqualTo(count);
        }
    }

    private static Sample sample(String json) throws IOException {
        Row row = row(json.replace('\'', '"'));
        return Format.of(DatasetFormat.AUTO, "text", row).sample(row);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]} | user assistant from 0",
                "{'conversations':[{'from':'human','value':'a'},{'from':'gpt','value':'b'}],'system':'s'} | system user assistant from 0",
                "{'conversations':[{'from':'system','value':'t'},{'from':'human','value':'a'}],'system':'s'} | system user from 0",
                "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,'tool_calls':[{'function':{'name':'f','arguments':{}}}]}],'tools':'[{\\u0022name\\u0022:\\u0022f\\u0022}]'} | user assistant from 0 tools 1",
                "{'conversations':[{'from':'human','value':'a'},{'from':'function_call','value':'{\\u0022name\\u0022:\\u0022f\\u0022,\\u0022arguments\\u0022:{}}'},{'from':'observation','value':'1'},{'from':'gpt','value':'b'}]} | user assistant tool assistant from 0",
                "{'prompt':[{'role':'user','content':'a'}],'completion':[{'role':'assistant','content':'b'}]} | user assistant from 1",
                "{'prompt':[{'role':'user','content':'a'}],'chosen':[{'role':'assistant','content':'b'}],'rejected':[{'role':'assistant','content':'c'}]} | user assistant from 1",
                "{'chosen':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}],'rejected':[{'role':'user','content':'a'},{'role':'assistant','content':'c'}]} | user assistant from 1",
                "{'conversations':[{'from':'human','value':'a'}],'chosen':{'from':'gpt','value':'b'},'rejected':{'from':'gpt','value':'c'}} | user assistant from 1",
                "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}],'label':true} | user assistant from 0",
                "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}],'label':false} | nothing",
                "{'prompt':'a','completion':'b','label':true} | [Segment[text=a, trained=false], Segment[text=b, trained=true]]",
                "{'prompt':'a','completion':'b','label':1} | trained=true",
                "{'prompt':'a','completion':'b','label':'False'} | nothing",
                "{'instruction':'a','output':'b','kto_tag':false} | nothing",
                "{'conversations':[{'from':'human','value':'a'},{'from':'gpt','value':'b'}],'label':false} | nothing",
                "{'instruction':'a','output':'b','label':0} | trained=true",
                "{'instruction':'i','output':'o','system':'s','history':[['a','b']]} | system user assistant user assistant from 0",
                "{'conversations':[{'from':'Human','value':'a'},{'from':'bing','value':'b'},{'from':'function_response','value':'c'}]} | user assistant tool from 0",
                "{'messages':'[{\\u0022role\\u0022:\\u0022user\\u0022,\\u0022content\\u0022:\\u0022a\\u0022}]'} | user from 0",
                "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':null,'function_call':{'name':'f','arguments':'{}'}},{'role':'function','name':'f','content':'1'}],'functions':[{'name':'f'}]} | user assistant tool from 0 tools 1",
                "{'prompt':'a','chosen':'b','rejected':'c'} | [Segment[text=a, trained=false], Segment[text=b, trained=true]]",
                "{'chosen':'one two good','rejected':'one two bad'} | [Segment[text=one two , trained=false], Segment[text=good, trained=true]]",
                "{'instruction':'i','context':'c','response':'r'} | ### Input:",
            })
    void aRowSaysWhatItsFormatMeans(String json, String says) throws IOException {
        assertThat(said(sample(json))).contains(says);
    }

    @Test
    void humanAndAssistantTurnsInOneTextEndTheirPromptBeforeTheLastAnswer() throws IOException {
        var sample =
                (Sample.Text)
                        sample(
                                "{'chosen':'\\n\\nHuman: a\\n\\nAssistant: b\\n\\nHuman: c\\n\\nAssistant: d','rejected':'x'}");
        assertThat(sample.segments())
                .containsExactly(
                        new Segment(
                                "\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:", false),
                        new Segment(" d", true));
    }

    @Test
    void reasoningAndCallsInBlocksGetFieldsOfTheirOwn() throws IOException {
        var chat =
                (Sample.Chat)
                        sample(
                                "{'messages':[{'role':'assistant','content':[{'type':'reasoning','value':'hm'},{'type':'text','value':'ok'},{'type':'tool_call','value':'{\\u0022name\\u0022: \\u0022f\\u0022, \\u0022arguments\\u0022: {\\u0022x\\u0022: 1}}'}],'loss_weight':1.0}]}");
        assertThat(chat.conversation().messages().getFirst().toString())
                .contains("\"content\":\"ok\"")
                .contains("\"reasoning_content\":\"hm\"")
                .contains(
                        "\"tool_calls\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'messages':[]} | at least one message",
                "{'messages':'hi'} | a list of messages",
                "{'messages':[{'role':'narrator','content':'a'}]} | role is one of",
                "{'messages':[{'role':'user'}]} | a message with content",
                "{'messages':[{'role':'user','content':3}]} | content that is a text",
                "{'conversations':[{'from':'function_call','value':'no json'}]} | expected JSON",
                "{'messages':[{'role':'assistant','content':'a','weight':0.5}]} | a weight of 0 (not trained) or 1",
                "{'instruction':'i','output':'o','history':[['a']]} | expected pairs of a question and its answer",
                "{'question':'q','chosen':'The a','rejected':'The b'} | dataset_columns: prompt=question",
                "{'chosen':'a','rejected':'b'} | as what both answers begin with",
                "{'prompt':'a','completion':null} | skip_bad_rows: true",
                "{'prompt':'a','completion':'b','label':true,'x':1} | ",
            })
    void aBrokenConversationIsNamedWithItsRow(String json, String says) throws IOException {
        if (says == null) {
            assertThat(said(sample(json))).contains("trained=true");
            return;
        }
        assertThatThrownBy(() -> sample(json))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("d.jsonl row 7")
                .hasMessageContaining(says);
    }

    @Test
    void anAnswerOfWeightZeroIsShownAndNotTrained() throws IOException {
        var chat =
                (Sample.Chat)
                        sample(
                                "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b','weight':0},{'role':'user','content':'c'},{'role':'assistant','content':'d','weight':1}]}");
        ChatRenderer plain =
                (messages, _, _, _) ->
                        messages.stream()
                                .map(m -> m.get("content").textValue() + "\n")
                                .collect(Collectors.joining());
        var spans = new AssistantSpans(plain, chat.conversation(), Set.of());

        assertThat(chat.conversation().messages().toString()).doesNotContain("weight", "untrained");
        assertThat(spans.text()).isEqualTo("a\nb\nc\nd\n");
        assertThat(spans.trained(false)).containsExactly(new AssistantSpans.Span(6, 7));
    }

    @Test
    void aHistoryThatTheFirstRowLacksIsRefused() throws IOException {
        Row later = row("{\"instruction\":\"i\",\"output\":\"o\",\"history\":[[\"a\",\"b\"]]}");
        assertThatThrownBy(() -> new TextFormat.Alpaca().sample(later))
                .hasMessageContaining("found a column history, which the first row");
    }

    @Test
    void theTextColumnMayHaveAnotherName() throws IOException {
        Row row = row("{\"story\":\"Once\",\"prompt\":\"a\",\"completion\":\"b\"}");
        assertThat(Format.of(DatasetFormat.TEXT, "story", row).sample(row))
                .isEqualTo(new Sample.Text(List.of(new Segment("Once", true))));
    }

    @ParameterizedTest
    @CsvSource({
        "gsm8k/test.jsonl, question",
        "alpaca/seed_tasks.jsonl, instances",
        "alpaca/self_instruct_user_oriented.jsonl, instances",
        "dolly/triforce_dolly_prompts.jsonl, answer",
        "parquet/spider_validation_1034rows_snappy.parquet, query",
        "tiny/torchtune_stack_exchange_paired_tiny.json, response_j"
    })
    void wrongColumnsShowWhatWasFoundAndWhatIsKnown(String name, String column) {
        try (var rows = DatasetReader.open(Shared.folder("data/datasets/" + name))) {
            Row first = rows.next();
            assertThatThrownBy(() -> Format.of(DatasetFormat.AUTO, "text", first))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("found the columns ")
                    .hasMessageContaining(column)
                    .hasMessageContaining(
                            "alpaca: instruction, output (and input, system, history)")
                    .hasMessageContaining("prompt_completion: prompt, completion")
                    .hasMessageContaining("dataset_columns: prompt=question");
        }
        assertThatThrownBy(
                        () ->
                                Format.of(
                                        DatasetFormat.ALPACA,
                                        "text",
                                        row("{\"prompt\":\"a\",\"completion\":\"b\"}")))
                .hasMessageContaining("dataset_format alpaca");
    }

    @Test
    void columnsMayHaveOtherNamesAndRowsAreFilteredBySql() {
        var source =
                new DatasetSource(
                        List.of(Shared.folder("data/datasets/gsm8k/test.jsonl")),
                        DatasetFormat.AUTO,
                        "text",
                        Map.of("prompt", "question", "completion", "answer"),
                        "length(question) < 100 AND answer LIKE '%#### 1%'",
                        false);
        try (var rows = DatasetReader.open(source)) {
            int count = 0;
            while (rows.hasNext()) {
                Row row = rows.next();
                assertThat(row.columns()).containsExactlyInAnyOrder("prompt", "completion");
                assertThat(row.values().get("prompt").textValue()).hasSizeLessThan(100);
                count++;
            }
            assertThat(count).isPositive().isLessThan(1319);
        }
        var wrong =
                new DatasetSource(
                        source.files(), DatasetFormat.AUTO, "text", Map.of(), "no_such > 1", false);
        try (var rows = DatasetReader.open(wrong)) {
            assertThatThrownBy(rows::hasNext)
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("where: no_such > 1")
                    .hasMessageContaining("no_such");
        }
    }

    @Test
    void aValueThatIsNoTextIsNamedWithItsRow() {
        for (String json :
                List.of(
                        "{\"prompt\":\"a\",\"completion\":3}",
                        "{\"prompt\":\"a\",\"completion\":null}",
                        "{\"prompt\":\"a\"}")) {
            assertThatThrownBy(() -> new TextFormat.PromptCompletion().segments(row(json)))
                    .isInstanceOf(ConfigException.class)
                    .hasMessageContaining("d.jsonl row 7")
                    .hasMessageContaining("completion");
        }
    }
}
