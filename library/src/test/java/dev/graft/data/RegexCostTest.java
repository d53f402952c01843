package dev.graft.data;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.ModelFormatException;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegexCostTest {
    private static final Path FILE = Path.of("tokenizer.json");

    /// What published tokenizers split words by (GPT-2, GPT-4, Llama 3, GPT-4o, DeepSeek, Kimi,
    /// EXAONE, SuperBPE, Bloom, Poro, CLIP), and what anyone may write.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
                "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}++|\\p{N}{1,3}+| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*+|\\s++$|\\s*[\\r\\n]|\\s+(?!\\S)|\\s",
                "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                "[\\p{Han}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}",
                "[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
                "\\p{N}{1,3}(?=(?:\\p{N}{3})*(?:\\P{N}|$))|(?=(\\d{3})+(?!\\d))",
                " ?[^(\\s|[.,!?…。，、।۔،])]+",
                "\\s?[A-Za-zµÀ-ÖØ-öø-ƺ]+|\\s?[!-/:-~！-／：-～‘-‟　-。]+|\\s+$|[一-龥ࠀ-一가-퟿]+",
                "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
                " {2,}",
                "\\A +| +\\z",
                "[\\r\\n]",
                "\\w+\\s+\\w+(?=\\s)",
                "[A-Z][a-z]+ [A-Z][a-z]+\\b",
                "(?:https?|ftp)://[^\\s/]+/?",
                "(?:a|b|c)+(?!\\w)|(?>a+)+$|a{|a{2}{3}|[]a]+|\\h{4}|(?#note)x|(?<name>x)(?x) y",
                ""
            })
    void patternsOfTokenizersPass(String pattern) {
        assertThatCode(() -> RegexCost.require(FILE, pattern)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "(a+)+$",
                "(x+x+)+y",
                "^(a|aa)+$",
                "(a|a)*b",
                "(?=(a+)+b)",
                "(a*)*c",
                "(.*)*\\d",
                "((a+)+)+(?!a)b",
                "\\b(\\w+\\s?)*$!",
                "(a?){30}a{30}",
                "(?:\\s|\\s+x)*y",
                "a*a*b",
                "a+.*c",
                "\\w+\\d+x",
                "[[:alpha:]]+[[:alnum:]]+!",
                "(?i:[a-z]*[A-Z]*1)",
                "[一-龥]*[一-龥]*b",
                "a{1,2}+a{1,2}+b",
                "((a{1000}){1000}){1000}",
                "(a)\\1*",
                "(?<n>\\g<n>?a)",
                "(?~abc)",
                "(",
                ")",
                "[a",
                "\\"
            })
    void patternsThatMayTakeFarTooLongAreRefused(String pattern) {
        assertThatThrownBy(() -> RegexCost.require(FILE, pattern))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("tokenizer.json: the pattern " + pattern + ": found ")
                .hasMessageContaining("linear time");
    }
}
