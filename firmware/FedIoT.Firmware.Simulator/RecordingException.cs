namespace FedIoT.Firmware.Simulator;

/// <summary>A recording folder cannot be used; the message is one sentence for the person who made it.</summary>
public sealed class RecordingException : Exception
{
    /// <summary>Builds the message <c>file:line:column: problem</c>.</summary>
    /// <param name="file">File name inside the folder, or the folder.</param>
    /// <param name="line">From 1; 0 when no line is at fault.</param>
    /// <param name="column">Character (TOML) or field (CSV), from 1; 0 for none.</param>
    /// <param name="value">The text at fault; empty for none.</param>
    /// <param name="problem">What is wrong and what to do.</param>
    /// <param name="inner">The cause, if another exception is.</param>
    public RecordingException(
        string file, int line, int column, string value, string problem, Exception? inner = null)
        : base($"{file}{(line > 0 ? $":{line}" : "")}{(column > 0 ? $":{column}" : "")}: {problem}", inner)
    {
        File = file;
        Line = line;
        Column = column;
        Value = value;
    }

    /// <summary>File name inside the folder, or the folder.</summary>
    public string File { get; }

    /// <summary>From 1; 0 when no line is at fault.</summary>
    public int Line { get; }

    /// <summary>Character (TOML) or field (CSV), from 1; 0 for none.</summary>
    public int Column { get; }

    /// <summary>The text at fault; empty for none.</summary>
    public string Value { get; }
}
