using FedIoT.Wire;
using FedIoT.Wire.Tasks;
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace FedIoT.Firmware.Simulator;

/// <summary>Makes a <see cref="RecordingManifest"/> of a <c>recording.toml</c>, or says what is wrong.</summary>
internal static class RecordingManifestParser
{
    private const string FileName = RecordingReader.ManifestName;
    private const int ClassesMax = TaskSpecification.ClassesMax;
    private const int DevicesMax = 10_000;

    public static RecordingManifest Parse(string text)
    {
        DocumentSyntax document = SyntaxParser.Parse(text, FileName, true);
        if (document.HasErrors)
        {
            DiagnosticMessage first = document.Diagnostics
                .Where(d => d.Kind == DiagnosticMessageKind.Error).MinBy(d => d.Span.Start.Offset)!;
            throw new RecordingException(
                FileName, first.Span.Start.Line + 1, first.Span.Start.Column + 1, "",
                $"not valid TOML: {first.Message.Trim().TrimEnd('.')}; correct the line.");
        }

        var root = new ManifestSection("recording.toml", null, document.KeyValues);
        root.Allow("name", "licence", "source", "sample_interval_ms", "segment_column", "label_column");
        var channels = new List<ManifestSection>();
        var devices = new List<ManifestSection>();
        ManifestSection? classes = null;
        foreach (TableSyntaxBase table in document.Tables)
        {
            string title = ManifestSection.KeyText(table.Name!);
            switch (table)
            {
                case TableArraySyntax when title == "channel":
                    channels.Add(new ManifestSection("[[channel]]", table, table.Items));
                    break;
                case TableArraySyntax when title == "device":
                    devices.Add(new ManifestSection("[[device]]", table, table.Items));
                    break;
                case TableSyntax when title == "classes" && classes is null:
                    classes = new ManifestSection("[classes]", table, table.Items);
                    break;
                default:
                    throw ManifestSection.Problem(
                        table, title, $"unknown table '{title}'; known are [[channel]], [classes] and [[device]].");
            }
        }

        return new RecordingManifest(
            root.GetText("name", 64),
            root.GetInteger("sample_interval_ms", 1, 86_400_000),
            root.FindText("segment_column", 64),
            root.GetText("label_column", 64),
            ReadChannels(channels),
            ReadClasses(classes ?? throw Missing("[classes]")),
            ReadDevices(devices));
    }

    private static RecordingException Missing(string table) =>
        new(FileName, 0, 0, "", $"the table {table} is missing; add it.");

    private static List<ManifestChannel> ReadChannels(List<ManifestSection> sections)
    {
        if (sections.Count is < 1 or > FeatureSpecification.ChannelsMax)
        {
            throw sections.Count == 0 ? Missing("[[channel]]") : new RecordingException(
                FileName, sections[^1].Line, 0, "",
                $"{sections.Count} channels; a device has at most {FeatureSpecification.ChannelsMax}, remove some.");
        }

        var channels = new List<ManifestChannel>();
        foreach (ManifestSection section in sections)
        {
            section.Allow("column", "unit", "scale", "range");
            string column = section.GetText("column", 32);
            string unit = section.GetText("unit", 16);
            double scale = section.GetNumber("scale");
            double range = section.GetNumber("range");
            if (range is < 1e-6 or > 1e12)
            {
                throw ManifestSection.Problem(
                    section.Place("range"), $"{range}", "'range' must lie between 0.000001 and 10^12 units.");
            }

            if (channels.Exists(c => c.Column == column))
            {
                throw ManifestSection.Problem(
                    section.Place("column"), column, $"column '{column}' is used by two channels; remove one.");
            }

            var specification = new ChannelSpecification(column, unit, (long)Math.Round(range * 1e6));
            channels.Add(new ManifestChannel(column, specification, scale / range * short.MaxValue));
        }

        return channels;
    }

    private static List<ManifestClass> ReadClasses(ManifestSection section)
    {
        if (section.Entries.Count is < 2 or > ClassesMax)
        {
            throw new RecordingException(
                FileName, section.Line, 0, "",
                $"[classes] has {section.Entries.Count} classes; give 2 to {ClassesMax}.");
        }

        var classes = new List<ManifestClass>();
        foreach ((string label, ValueSyntax value) in section.Entries)
        {
            string name = section.GetText(label, 64);
            if (classes.Exists(c => c.Name == name))
            {
                throw ManifestSection.Problem(value, name, $"class '{name}' has two labels; give each its own name.");
            }

            classes.Add(new ManifestClass(label, name));
        }

        return classes;
    }

    private static List<ManifestDevice> ReadDevices(List<ManifestSection> sections)
    {
        if (sections.Count is < 1 or > DevicesMax)
        {
            throw sections.Count == 0 ? Missing("[[device]]") : new RecordingException(
                FileName, sections[^1].Line, 0, "", $"{sections.Count} devices; at most {DevicesMax} are read.");
        }

        var devices = new List<ManifestDevice>();
        var known = new HashSet<DeviceId>();
        foreach (ManifestSection section in sections)
        {
            section.Allow("id", "train", "test");
            string text = section.GetText("id", 256);
            if (!DeviceId.TryParse(text, out DeviceId id))
            {
                throw ManifestSection.Problem(
                    section.Place("id"), text,
                    $"'{text}' is no device id; use 1 to {DeviceId.LengthMax} characters of a-z, 0-9 and '-'.");
            }

            if (!known.Add(id))
            {
                throw ManifestSection.Problem(
                    section.Place("id"), text, $"device id '{text}' is used twice; give each device its own.");
            }

            var device = new ManifestDevice(id, section.FindFiles("train"), section.FindFiles("test"));
            if (device.Train.Count + device.Test.Count == 0)
            {
                throw new RecordingException(
                    FileName, section.Line, 0, text, $"device '{text}' has no files; give 'train', 'test' or both.");
            }

            devices.Add(device);
        }

        return devices;
    }
}
