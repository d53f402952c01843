package dev.graft.app;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine.Help.Ansi;

/// Where a command reads and writes: results on `out`, chatter and errors on `err`.
///
/// @param terminal whether `err` is a terminal, where a line can be rewritten in place
/// @param columns width of that terminal
record Console(
        InputStream in,
        PrintStream out,
        PrintStream err,
        boolean terminal,
        int columns,
        Interruption interruption) {

    /// The process's own streams, in UTF-8 whatever the locale; the launcher tells about the
    /// terminal.
    static Console system() {
        var err = utf8(FileDescriptor.err);
        return new Console(
                System.in,
                utf8(FileDescriptor.out),
                err,
                Boolean.getBoolean("graft.terminal"),
                toldColumns(),
                new Interruption(err));
    }

    /// A terminal that does not know its width says 0.
    private static int toldColumns() {
        int told = Integer.getInteger("graft.columns", 0);
        return told > 0 ? told : 100;
    }

    private static PrintStream utf8(FileDescriptor descriptor) {
        return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }

    /// The same console with everything human on `err`, so that `out` carries JSON alone.
    PrintStream human(boolean json) {
        return json ? err : out;
    }

    /// The same console with `err` in the place of `out`.
    Console toErr() {
        return new Console(in, err, err, terminal, columns, interruption);
    }

    void json(JsonNode object) {
        out.println(object);
        out.flush();
    }

    Ansi ansi() {
        return terminal ? Ansi.AUTO : Ansi.OFF;
    }

    PrintWriter outWriter() {
        return new PrintWriter(out, true, StandardCharsets.UTF_8);
    }

    PrintWriter errWriter() {
        return new PrintWriter(err, true, StandardCharsets.UTF_8);
    }

    /// How the user calls this program.
    static String command() {
        return System.getProperty("graft.command", "./graft");
    }
}
