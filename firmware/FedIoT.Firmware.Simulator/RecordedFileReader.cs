using System.Buffers.Text;
using System.IO.Compression;
using System.Text;

namespace FedIoT.Firmware.Simulator;

/// <summary>
/// Reads one CSV file of a recording into segments of raw samples. One instance per file. Works on bytes, row by
/// row: a million rows of ten columns take about half a second.
/// </summary>
internal sealed class RecordedFileReader
{
    private const long RowsMax = 100_000_000;
    private const int Ignored = -1;
    private const int SegmentRole = -2;
    private const int LabelRole = -3;

    private readonly RecordingManifest manifest;
    private readonly string file;
    private readonly byte[][] classLabels;
    private readonly List<RecordedSegment> segments = [];
    private readonly List<short> samples = [];
    private readonly List<byte> labels = [];
    private readonly short[] row;
    private string[] header = [];
    private int[] roles = [];
    private byte[] segment = [];
    private byte[] labelText = [];
    private byte label;
    private bool hasLabel;

    public RecordedFileReader(RecordingManifest manifest, string file)
    {
        this.manifest = manifest;
        this.file = file;
        row = new short[manifest.Channels.Count];
        classLabels = [.. manifest.Classes.Select(c => Encoding.UTF8.GetBytes(c.Label))];
    }

    /// <summary>Reads the file.</summary>
    /// <exception cref="RecordingException">The file is not what the manifest says.</exception>
    public IReadOnlyList<RecordedSegment> Read(string path)
    {
        try
        {
            using FileStream raw = File.OpenRead(path);
            Span<byte> magic = stackalloc byte[2];
            bool isGzip = raw.ReadAtLeast(magic, 2, throwOnEndOfStream: false) == 2 && magic is [0x1F, 0x8B];
            raw.Position = 0;
            using Stream content = isGzip ? new GZipStream(raw, CompressionMode.Decompress) : raw;
            ReadRows(new CsvLineReader(content, file));
        }
        catch (InvalidDataException e)
        {
            throw new RecordingException(file, 0, 0, "", "the gzip data is damaged; copy the file again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RecordingException(file, 0, 0, "", $"cannot be read ({e.Message}); check the file.", e);
        }

        if (!hasLabel)
        {
            throw new RecordingException(
                file, 0, 0, "",
                $"no sample has a label of [classes] in column '{manifest.LabelColumn}'; label some, or list them.");
        }

        return segments;
    }

    private void ReadRows(CsvLineReader reader)
    {
        if (!reader.TryRead(out ReadOnlySpan<byte> line))
        {
            throw new RecordingException(file, 1, 0, "", "the file is empty; its first line must name the columns.");
        }

        ReadHeader(line);
        long rows = 0;
        while (reader.TryRead(out line))
        {
            if (line.IsEmpty)
            {
                continue; // a blank line, usually the last
            }

            if (++rows > RowsMax)
            {
                throw new RecordingException(
                    file, reader.LineNumber, 0, "", $"more than {RowsMax} rows; split the file.");
            }

            ReadRow(line, reader.LineNumber);
        }

        EndSegment();
    }

    private void ReadHeader(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> text = line.StartsWith(Encoding.UTF8.Preamble) ? line[3..] : line;
        header = [.. Encoding.UTF8.GetString(text).Split(',').Select(h => h.Trim().Trim('"'))];
        roles = new int[header.Length];
        Array.Fill(roles, Ignored);
        for (int channel = 0; channel < manifest.Channels.Count; channel++)
        {
            roles[FindColumn(manifest.Channels[channel].Column)] = channel;
        }

        roles[FindColumn(manifest.LabelColumn)] = LabelRole;
        if (manifest.SegmentColumn is { } segmentColumn)
        {
            roles[FindColumn(segmentColumn)] = SegmentRole;
        }
    }

    private int FindColumn(string name)
    {
        int index = Array.IndexOf(header, name);
        if (index < 0)
        {
            throw new RecordingException(
                file, 1, 0, name,
                $"column '{name}' is missing, the header has {string.Join(", ", header)}; correct one of them.");
        }

        return roles[index] == Ignored ? index : throw new RecordingException(
            file, 1, index + 1, name, $"column '{name}' is used for two things in recording.toml; give each its own.");
    }

    private void ReadRow(ReadOnlySpan<byte> line, int lineNumber)
    {
        ReadOnlySpan<byte> rest = line;
        byte rowLabel = 0;
        bool startsSegment = false;
        for (int column = 0; column < roles.Length; column++)
        {
            int comma = rest.IndexOf((byte)',');
            bool isLast = column == roles.Length - 1;
            if (comma < 0 != isLast)
            {
                int fields = line.Count((byte)',') + 1;
                throw new RecordingException(
                    file, lineNumber, 0, "",
                    $"the row has {fields} fields, the header {roles.Length}; correct the row.");
            }

            ReadOnlySpan<byte> field = (isLast ? rest : rest[..comma]).Trim((byte)' ');
            rest = isLast ? default : rest[(comma + 1)..];
            switch (roles[column])
            {
                case Ignored:
                    break;
                case LabelRole:
                    rowLabel = LabelOf(field);
                    break;
                case SegmentRole:
                    startsSegment = !field.SequenceEqual(segment);
                    segment = startsSegment ? field.ToArray() : segment;
                    break;
                default:
                    row[roles[column]] = ToSample(field, roles[column], lineNumber, column);
                    break;
            }
        }

        if (startsSegment)
        {
            EndSegment();
        }

        samples.AddRange(row);
        labels.Add(rowLabel);
    }

    private void EndSegment()
    {
        if (labels.Count > 0)
        {
            segments.Add(new RecordedSegment([.. samples], [.. labels]));
            samples.Clear();
            labels.Clear();
        }
    }

    private byte LabelOf(ReadOnlySpan<byte> field)
    {
        if (!field.SequenceEqual(labelText))
        {
            labelText = field.ToArray();
            label = 0;
            for (int i = 0; i < classLabels.Length; i++)
            {
                if (field.SequenceEqual(classLabels[i]))
                {
                    label = (byte)(i + 1);
                }
            }

            hasLabel |= label != 0;
        }

        return label;
    }

    private short ToSample(ReadOnlySpan<byte> field, int channel, int lineNumber, int column)
    {
        if (!TryParseDecimal(field, out double value))
        {
            bool isNumber = Utf8Parser.TryParse(field, out value, out int used) && used == field.Length;
            if (!isNumber || !double.IsFinite(value))
            {
                throw NoNumber(Encoding.UTF8.GetString(field), isNumber, lineNumber, column);
            }
        }

        double steps = Math.Round(value * manifest.Channels[channel].StepsPerValue);
        return (short)Math.Clamp(steps, short.MinValue, short.MaxValue);
    }

    private RecordingException NoNumber(string text, bool isNumber, int lineNumber, int column)
    {
        string shown = text.Length > 40 ? text[..40] + "…" : text;
        string problem = isNumber
            ? $"column '{header[column]}' has '{shown}', which is no finite number; remove the row or repair the value."
            : $"column '{header[column]}' has '{shown}' where a number belongs; repair the value.";
        return new RecordingException(file, lineNumber, column + 1, shown, problem);
    }

    // Plain decimals of up to 15 digits: mantissa and power of ten are exact doubles, so the quotient is rounded once.
    private static bool TryParseDecimal(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        int index = text.Length > 0 && text[0] == (byte)'-' ? 1 : 0;
        bool isNegative = index == 1;
        if (text.Length - index is < 1 or > 16)
        {
            return false;
        }

        long mantissa = 0;
        int digits = 0;
        int point = -1;
        for (; index < text.Length; index++)
        {
            uint digit = unchecked((uint)text[index] - '0');
            if (digit <= 9)
            {
                mantissa = (mantissa * 10) + digit;
                digits++;
            }
            else if (text[index] == (byte)'.' && point < 0)
            {
                point = digits;
            }
            else
            {
                return false;
            }
        }

        if (digits is 0 or > 15)
        {
            return false;
        }

        value = point < 0 || point == digits ? mantissa : mantissa / PowersOfTen[digits - point];
        value = isNegative ? -value : value;
        return true;
    }

    private static readonly double[] PowersOfTen =
        [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
}
