using System.IO.Compression;
using System.Text;
using FedIoT.Firmware.Simulator;
using FedIoT.Firmware.Tests.Gate;
using Xunit;

namespace FedIoT.Firmware.Tests.Simulator;

public class RecordingReaderTests
{
    private const string Manifest = """
        name = "two-fans"
        sample_interval_ms = 20
        segment_column = "run"
        label_column = "state"

        [[channel]]
        column = "x"
        unit = "g"
        scale = 0.5
        range = 4.0

        [[channel]]
        column = "t"
        unit = "C"
        scale = 1
        range = 100

        [classes]
        ok = "healthy"
        7 = "broken"

        [[device]]
        id = "fan-a"
        train = ["a.csv"]
        test = ["b.csv.gz"]

        [[device]]
        id = "fan-b"
        test = ["b.csv.gz"]
        """;

    private const string Csv = "run,x,extra,t,state\n1,1.0,?,25,ok\n1,-2,?,1e1,7\n2,100,?,-0.5,9\n";

    [Fact]
    public void Read_SmallFolder_HasTheScaledSamplesSegmentsAndLabels()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, Csv);

        Recording recording = RecordingReader.Read(folder.Path);

        Assert.Equal(("two-fans", 20), (recording.Name, recording.SampleIntervalMs));
        Assert.Equal(["healthy", "broken"], recording.Classes);
        Assert.Equal([("x", "g", 4_000_000L), ("t", "C", 100_000_000L)],
            recording.Channels.Select(c => (c.Name, c.Unit, c.RangeMillionths)));
        Assert.Equal(["fan-a", "fan-b"], recording.Devices.Select(d => d.Id.Text));
        RecordedDevice device = recording.Devices[0];
        Assert.Equal(2, device.Train.Count);
        Assert.Equal([4096, 8192, -8192, 3277], device.Train[0].Samples); // 1.0 x 0.5 / 4 x 32767, 25 / 100 x 32767
        Assert.Equal([1, 2], device.Train[0].Labels);
        Assert.Equal([short.MaxValue, -164], device.Train[1].Samples); // 100 x 0.5 is above the range
        Assert.Equal([0], device.Train[1].Labels);
        Assert.Equal(device.Train[0].Samples, device.Test[0].Samples); // the gzip file has the same rows
        Assert.Empty(recording.Devices[1].Train);
    }

    [Fact]
    public void Read_WindowsLineEndsAndNoLastLineEnd_IsTheSame()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, "\uFEFF" + Csv.Replace("\n", "\r\n", StringComparison.Ordinal).TrimEnd());

        Assert.Equal([4096, 8192, -8192, 3277], RecordingReader.Read(folder.Path).Devices[0].Train[0].Samples);
    }

    [Theory]
    [InlineData("name = \"two-fans\"", "name = \"two-fans", 1, "not valid TOML")]
    [InlineData("range = 4.0", "range = = 4.0", 10, "not valid TOML")]
    [InlineData("scale = 0.5", "scales = 0.5", 9, "unknown key 'scales'")]
    [InlineData("unit = \"C\"", "", 12, "lacks the key 'unit'")]
    [InlineData("sample_interval_ms = 20", "", 0, "lacks the key 'sample_interval_ms'")]
    [InlineData("sample_interval_ms = 20", "sample_interval_ms = 0", 2, "whole number")]
    [InlineData("sample_interval_ms = 20", "sample_interval_ms = \"20\"", 2, "whole number")]
    [InlineData("range = 4.0", "range = nan", 10, "finite number")]
    [InlineData("range = 4.0", "range = -1", 10, "'range' must lie")]
    [InlineData("[classes]", "[labels]", 18, "unknown table 'labels'")]
    [InlineData("7 = \"broken\"", "", 18, "give 2 to 64")]
    [InlineData("7 = \"broken\"", "7 = \"healthy\"", 20, "has two labels")]
    [InlineData("id = \"fan-b\"", "id = \"fan-a\"", 28, "used twice")]
    [InlineData("id = \"fan-b\"", "id = \"Fan B\"", 28, "no device id")]
    [InlineData("train = [\"a.csv\"]", "train = [\"c.csv\"]", 24, "does not exist")]
    [InlineData("train = [\"a.csv\"]", "train = [\"../a.csv\"]", 24, "outside the folder")]
    [InlineData("train = [\"a.csv\"]", "train = [\"/etc/hostname\"]", 24, "outside the folder")]
    [InlineData("train = [\"a.csv\"]", "train = \"a.csv\"", 24, "list of file names")]
    [InlineData("train = [\"a.csv\"]", "train = [5]", 24, "in quotes")]
    [InlineData("column = \"t\"", "column = \"x\"", 13, "used by two channels")]
    [InlineData("label_column = \"state\"", "label.column = \"state\"", 4, "dotted keys")]
    public void Read_BadManifest_NamesTheLine(string good, string bad, int line, string problem)
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest.Replace(good, bad, StringComparison.Ordinal), Csv);

        RecordingException e = Assert.Throws<RecordingException>(() => RecordingReader.Read(folder.Path));

        Assert.Equal((RecordingReader.ManifestName, line), (e.File, e.Line));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Theory]
    [InlineData("run,x,extra,t,state", "run,x,extra,temp,state", 1, 0, "t", "column 't' is missing")]
    [InlineData("run,x,extra,t,state", "run,x,extra,t", 1, 0, "state", "column 'state' is missing")]
    [InlineData("1,-2,?,1e1,7", "1,hello,?,1e1,7", 3, 2, "hello", "where a number belongs")]
    [InlineData("1,-2,?,1e1,7", "1,,?,1e1,7", 3, 2, "", "where a number belongs")]
    [InlineData("1,-2,?,1e1,7", "1,-,?,1e1,7", 3, 2, "-", "where a number belongs")]
    [InlineData("1,-2,?,1e1,7", "1,1.2.3,?,1e1,7", 3, 2, "1.2.3", "where a number belongs")]
    [InlineData("1,-2,?,1e1,7", "1,-2,?,NaN,7", 3, 4, "NaN", "no finite number")]
    [InlineData("1,-2,?,1e1,7", "1,-2,?,1e999,7", 3, 4, "1e999", "no finite number")]
    [InlineData("1,-2,?,1e1,7", "1,-2,?,-Infinity,7", 3, 4, "-Infinity", "no finite number")]
    [InlineData("1,-2,?,1e1,7", "1,-2,?,1e1", 3, 0, "", "4 fields, the header 5")]
    [InlineData("1,-2,?,1e1,7", "1,-2,?,1e1,7,8", 3, 0, "", "6 fields, the header 5")]
    [InlineData(Csv, "", 1, 0, "", "the file is empty")]
    [InlineData(Csv, "run,x,extra,t,state\n1,1,1,1,3\n", 0, 0, "", "no sample has a label")]
    [InlineData(Csv, "run,x,extra,t,state\n", 0, 0, "", "no sample has a label")]
    public void Read_BadCsv_NamesLineColumnAndValue(
        string good, string bad, int line, int column, string value, string problem)
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, Csv);
        File.WriteAllText(folder.File("a.csv"), Csv.Replace(good, bad, StringComparison.Ordinal));

        RecordingException e = Assert.Throws<RecordingException>(() => RecordingReader.Read(folder.Path));

        Assert.Equal(("a.csv", line, column, value), (e.File, e.Line, e.Column, e.Value));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_DamagedGzip_IsOneError()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, Csv);
        byte[] bytes = File.ReadAllBytes(folder.File("b.csv.gz"));
        bytes[bytes.Length / 2] ^= 0xFF;
        File.WriteAllBytes(folder.File("b.csv.gz"), bytes);

        RecordingException e = Assert.Throws<RecordingException>(() => RecordingReader.Read(folder.Path));

        Assert.Equal("b.csv.gz", e.File);
    }

    [Fact]
    public void Read_EndlessLine_IsRefusedBeforeItFillsMemory()
    {
        using var folder = new TemporaryFolder();
        Write(folder, Manifest, Csv);
        using (var zip = new GZipStream(File.Create(folder.File("b.csv.gz")), CompressionLevel.Fastest))
        {
            zip.Write(new byte[1 << 22]);
        }

        RecordingException e = Assert.Throws<RecordingException>(() => RecordingReader.Read(folder.Path));

        Assert.Contains("is this a CSV file?", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoFolderOrNoManifest_SaysWhatToDo()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains("no such folder", Assert.Throws<RecordingException>(
            () => RecordingReader.Read(folder.File("nowhere"))).Message, StringComparison.Ordinal);
        Assert.Contains("write it beside", Assert.Throws<RecordingException>(
            () => RecordingReader.Read(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hapt-har", 30, 6, 1_122_772, 128, 64, 10_411)]
    [InlineData("fan-vibration", 17, 3, 153_000, 50, 25, 6_018)]
    public void Read_RealRecording_HasItsRowsAndWindows(
        string name, int devices, int classes, int rows, int window, int hop, int expected)
    {
        Recording recording = RealData.Read(name);

        IEnumerable<RecordedSegment> segments = recording.Devices.SelectMany(d => d.Train.Concat(d.Test));
        Assert.Equal((devices, classes), (recording.Devices.Count, recording.Classes.Count));
        Assert.Equal(rows, segments.Sum(s => s.Length));
        int windows = 0;
        foreach (RecordedSegment segment in segments)
        {
            int run = 0;
            for (int i = 0; i < segment.Length; i++)
            {
                run = i > 0 && segment.Labels[i] == segment.Labels[i - 1] ? run + 1 : 1;
                windows += segment.Labels[i] != 0 && run >= window && (run - window) % hop == 0 ? 1 : 0;
            }
        }

        Assert.Equal(expected, windows); // as the learning baseline counts them
    }

    private static void Write(TemporaryFolder folder, string manifest, string csv)
    {
        File.WriteAllText(folder.File(RecordingReader.ManifestName), manifest);
        File.WriteAllText(folder.File("a.csv"), csv);
        using var zip = new GZipStream(File.Create(folder.File("b.csv.gz")), CompressionLevel.Fastest);
        zip.Write(Encoding.UTF8.GetBytes(csv));
    }
}
