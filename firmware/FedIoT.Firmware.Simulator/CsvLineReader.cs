namespace FedIoT.Firmware.Simulator;

/// <summary>Lines of a UTF-8 stream as spans into one buffer; LF, CR LF or the stream's end ends a line.</summary>
internal sealed class CsvLineReader(Stream stream, string file)
{
    /// <summary>Longest line, in bytes.</summary>
    public const int LineBytesMax = 64 * 1024;

    private readonly byte[] buffer = new byte[4 * LineBytesMax];
    private int start;
    private int end;
    private bool isAtEnd;

    /// <summary>Number of the line read last, from 1.</summary>
    public int LineNumber { get; private set; }

    /// <summary>False at the end. The span is valid until the next call.</summary>
    /// <exception cref="RecordingException">A line is too long.</exception>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            ReadOnlySpan<byte> rest = buffer.AsSpan(start, end - start);
            int length = rest.IndexOf((byte)'\n');
            if (length >= 0 || (isAtEnd && rest.Length > 0))
            {
                line = length >= 0 ? rest[..length] : rest;
                start += length >= 0 ? length + 1 : rest.Length;
                LineNumber++;
                line = line.Length > 0 && line[^1] == (byte)'\r' ? line[..^1] : line;
                return true;
            }

            if (isAtEnd)
            {
                line = default;
                return false;
            }

            Fill();
        }
    }

    private void Fill()
    {
        if (end - start > LineBytesMax)
        {
            throw new RecordingException(
                file, LineNumber + 1, 0, "", $"a line is longer than {LineBytesMax} bytes; is this a CSV file?");
        }

        buffer.AsSpan(start, end - start).CopyTo(buffer);
        end -= start;
        start = 0;
        int read = stream.Read(buffer.AsSpan(end));
        end += read;
        isAtEnd = read == 0;
    }
}
