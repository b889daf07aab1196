using System.Globalization;
using System.Text.Json;
using FedIoT.Firmware.Simulator;
using FedIoT.Wire;
using FedIoT.Wire.Tasks;

namespace FedIoT.Rig.Tests;

/// <summary>
/// What a gateway must do on its board. <c>FEDIOT_RIG</c> chooses the board: <c>fake</c> (default), or
/// <c>real:FILE</c>. Every result names the rig that it ran on.
/// </summary>
public sealed class RigTests
{
    private const string Ready = "ready chain=";
    private static readonly string Chosen = Environment.GetEnvironmentVariable("FEDIOT_RIG") is { Length: > 0 } rig
        ? rig : "fake";

    private static readonly int Cuts = int.TryParse(
        Environment.GetEnvironmentVariable("FEDIOT_RIG_CUTS"), CultureInfo.InvariantCulture, out int cuts) ? cuts : 5;

    public static TheoryData<string> Rigs => new(Chosen);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Rigs))]
    public async Task Uart_AfterPowerOn_ShowsTheBootToTheReadyLine(string rig)
    {
        await using IRig board = await BootAsync(rig);
        // The log has a queue of its own: its last lines may come behind the ready line.
        await board.Uart.AnyWith("Ingest listens on").WaitAsync(board.BootMax, Cancellation);
        Assert.DoesNotContain(board.Uart.Lines, l => l.StartsWith("crit", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Rigs))]
    public async Task PowerCuts_AtRandomMoments_EveryBootGoesOnFromWhatWasCommitted(string rig)
    {
        var seed = (ulong)TimeProvider.System.GetTimestamp();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new SplitMix64(seed);
        await using IRig board = await BootAsync(rig);
        long height = 0;
        for (int cut = 0; cut < Cuts; cut++)
        {
            long seen = await WaitForHeightAsync(board, height + 2);
            var life = TimeSpan.FromMilliseconds(1 + (random.Next() % 700));
            using (var timer = new PeriodicTimer(life)) // the moment of the cut is the input of the test
            {
                await timer.WaitForNextTickAsync(Cancellation);
            }

            await board.CutPowerAsync();
            Task ready = board.Uart.NextWith(Ready);
            await board.PowerOnAsync();
            await ready.WaitAsync(board.BootMax, Cancellation);
            height = await HeightAsync(board);
            Assert.True(height >= seen, $"rig={board.Name}, cut {cut}: height {seen} was committed, {height} is there");
        }

        await WaitForHeightAsync(board, height + 1);
    }

    [Theory]
    [MemberData(nameof(Rigs))]
    public async Task Device_EnrolledOnTheBoard_StreamsWhatTheBoardStores(string rig)
    {
        await using IRig board = await BootAsync(rig);
        const string Device = "rig-device";
        (int exitCode, string output) = await board.VerbAsync("devices", "enrol", Device);
        Assert.True(exitCode == 0, output);
        byte[] key = Convert.FromHexString((await board.ReadAsync($"devices/{Device}.key")).Trim());
        await board.CutPowerAsync();
        Task ready = board.Uart.NextWith(Ready);
        await board.PowerOnAsync();
        await ready.WaitAsync(board.BootMax, Cancellation);
        long before = (await StatusAsync(board)).GetProperty("framesStored").GetInt64();

        Recording recording = RotatingMachines.Create(seed: 1, trainDevices: 1, testDevices: 1);
        FeatureSpecification features = recording.ToFeatureSpecification(128, 64);
        uint boot = (uint)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(); // grows from run to run on a real board
        DeviceReport report = await new SimulatedDevice(
            new DeviceId(Device), key, boot, features, recording.Devices[0].Train, recording.Devices[0].Test,
            board.Mqtt, TimeProvider.System).RunAsync(Cancellation);
        Assert.True(report.FramesAcknowledged > 0, $"rig={board.Name}");
        await WaitAsync(
            board, async () => (await StatusAsync(board)).GetProperty("framesStored").GetInt64() - before
                >= report.FramesAcknowledged, "all acknowledged frames are stored");
    }

    [Fact]
    public void RealRig_FileIncomplete_SaysEverythingThatIsMissing()
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, "# half a rig\npower_on = \"true\"\nuart = \"cat /dev/null\"\n");
        InvalidOperationException problem = Assert.Throws<InvalidOperationException>(() => new RealRig(file));
        Assert.Contains("power_off, fediot, read, mqtt_host", problem.Message, StringComparison.Ordinal);
        File.WriteAllText(
            file, "power_on = \"true\"\npower_off = \"true\"\nuart = \"true\"\nfediot = \"true\"\nread = \"true\"\n"
            + "mqtt_host = \"board\"\nmqtt_port = \"http\"\nboot_seconds_max = \"120\"\ncard_to_bord = \"true\"\n");
        problem = Assert.Throws<InvalidOperationException>(() => new RealRig(file));
        Assert.Contains(
            "mqtt_port is 'http': expected a number from 1 to 65535; card_to_bord is unknown", problem.Message,
            StringComparison.Ordinal);
        File.Delete(file);
        Assert.Contains(
            "is not there", Assert.Throws<InvalidOperationException>(() => new RealRig(file)).Message,
            StringComparison.Ordinal);
    }

    private static IRig Open(string rig) => rig switch
    {
        "fake" => new FakeRig(),
        _ when rig.StartsWith("real:", StringComparison.Ordinal) => new RealRig(rig["real:".Length..]),
        _ => throw new InvalidOperationException($"FEDIOT_RIG is '{rig}': expected fake, or real:FILE"),
    };

    private static async Task<IRig> BootAsync(string rig)
    {
        IRig board = Open(rig);
        TestContext.Current.AddAttachment("rig", board.Name);
        try
        {
            await board.PrepareAsync();
            await board.CutPowerAsync();
            Task ready = board.Uart.NextWith(Ready);
            await board.PowerOnAsync();
            await ready.WaitAsync(board.BootMax, Cancellation);
            return board;
        }
        catch
        {
            await board.DisposeAsync();
            throw;
        }
    }

    // A verdict of "degraded" is an answer too.
    private static async Task<JsonElement> StatusAsync(IRig board)
    {
        (int exitCode, string output) = await board.VerbAsync("status", "--json");
        Assert.True(exitCode is 0 or 1, $"rig={board.Name}: status gave {exitCode}: {output}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task<long> HeightAsync(IRig board) =>
        (await StatusAsync(board)).GetProperty("height").GetInt64();

    private static async Task<long> WaitForHeightAsync(IRig board, long height)
    {
        long now = 0;
        await WaitAsync(board, async () => (now = await HeightAsync(board)) >= height, $"height {height}");
        return now;
    }

    private static async Task WaitAsync(IRig board, Func<Task<bool>> holds, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        while (!await holds())
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(120),
                $"rig={board.Name}, not yet: {what}\n{string.Join('\n', board.Uart.Lines.TakeLast(20))}");
            await timer.WaitForNextTickAsync(Cancellation);
        }
    }
}
