using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Tests;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>
/// Fifty secrets of a real gateway run, whose node key is in a token: none may be found in what it prints, logs,
/// reports and stores, nor in a memory dump.
/// </summary>
public sealed class SecretLeakTests : IDisposable
{
    private const int Devices = 20;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static readonly string Binary = Path.Combine(AppContext.BaseDirectory, "fediot.dll");

    private readonly TokenGateway gateway = new();
    private readonly TemporaryFolder folder = new();
    private readonly Canaries canaries = new();
    private readonly Dictionary<string, string> variables;
    private readonly List<byte[]> deviceKeys = [];

    public SecretLeakTests() => variables = new Dictionary<string, string>(gateway.Hsm.Variables);

    private string Folder => gateway.FolderOf(0);

    private string Configuration => gateway.ConfigurationOf(0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        folder.Dispose();
        gateway.Dispose();
    }

    [Fact]
    public async Task FiftyCanaries_InARealRun_AreFoundNowhere()
    {
        await gateway.InitAsync(0, "node");
        await gateway.MakeNetworkAsync(1);
        Plant();
        Assert.Equal(50, canaries.Count);
        Assert.Contains("training key", canaries.Find(File.ReadAllBytes(Path.Combine(Folder, "keys", "training.key"))));
        Assert.Contains("comment 0", canaries.Find(File.ReadAllBytes(Configuration)));

        using Process daemon = StartDaemon(out Task<string> output, out StringBuilder log, out Task ready);
        await ready.WaitAsync(Deadline, Cancellation);
        await StreamAsync();
        await RunVerbsAsync("running");
        await AbortAsync(daemon);
        Assert.Empty(CoresIn(folder.Path));
        lock (log)
        {
            canaries.AssertNoneIn("standard error", log.ToString());
            Assert.Contains("ready chain=", log.ToString(), StringComparison.Ordinal);
        }

        canaries.AssertNoneIn("standard output", await output.WaitAsync(Deadline, Cancellation));
        await RunVerbsAsync("ended");
        ScanCopy();
    }

    [Fact]
    public async Task CoreDumpsOfTheSystem_WorkHere_ButNotForTheGateway()
    {
        // The control of the test above: the same limits and signal make a core file of another process.
        using Process shell = Start("bash", "ulimit -c unlimited && kill -ABRT $$");
        await shell.WaitForExitAsync(Cancellation).WaitAsync(Deadline, Cancellation);
        string pattern = await File.ReadAllTextAsync("/proc/sys/kernel/core_pattern", Cancellation);
        Assert.SkipWhen(
            CoresIn(folder.Path).Length == 0,
            $"this machine makes no core files in the working folder (core_pattern {pattern.Trim()})");
        Assert.Single(CoresIn(folder.Path));
    }

    [Theory]
    [InlineData("DOTNET_DbgEnableMiniDump")]
    [InlineData("COMPlus_DbgEnableMiniDump")]
    public async Task RuntimeDumps_AskedForByTheEnvironment_AreRefusedAtTheStart(string variable)
    {
        await gateway.InitAsync(0, "node");
        await gateway.MakeNetworkAsync(1);
        variables[variable] = "1";
        (int exitCode, _, string error) =
            await GatewayProcess.RunVerbAsync(variables, "run", "--config", Configuration);
        Assert.Equal(2, exitCode);
        Assert.Contains(variable, error, StringComparison.Ordinal);
    }

    private static string[] CoresIn(string path) => Directory.GetFiles(path, "*core*");

    private void Plant()
    {
        canaries.AddText("token PIN", SoftHsm.Pin);
        byte[] training = File.ReadAllBytes(Path.Combine(Folder, "keys", "training.key"));
        canaries.Add("training key", training[^32..]);
        var text = new StringBuilder();
        for (int i = 0; i < Devices; i++)
        {
            byte[] key = canaries.Add($"device key {i}", Hash256.Of([(byte)i, 77]).ToArray());
            deviceKeys.Add(key);
            canaries.AddText($"device password {i}", DeviceCredentials.Password(key));
            string file = Path.Combine(Folder, "devices", $"d-{i}.key");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, Convert.ToHexStringLower(key) + "\n");
            Tool.SetMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            text.Append(
                CultureInfo.InvariantCulture, $"\n[[device]]\nid = \"d-{i}\"\nkey = \"file:devices/d-{i}.key\"\n");
        }

        for (int i = 0; i < 5; i++)
        {
            variables[$"FEDIOT_CANARY_{i}"] = canaries.AddText($"variable {i}", $"canary-variable-{i}-8c1d");
        }

        for (int i = 0; i < 2; i++)
        {
            text.Append("# ").Append(canaries.AddText($"comment {i}", $"canary-comment-{i}-55aa")).Append('\n');
        }

        File.AppendAllText(Configuration, text.ToString());
        File.WriteAllText(Path.Combine(Folder, "notes.txt"), canaries.AddText("note", "canary-note-91e2"));
    }

    // Core files allowed, in a working folder of its own, with the log at its most talkative.
    private Process StartDaemon(out Task<string> output, out StringBuilder log, out Task ready)
    {
        Process daemon = Start(
            "bash",
            $"ulimit -c unlimited && exec dotnet exec '{Binary}' run --config '{Configuration}' --log-level Debug");
        output = daemon.StandardOutput.ReadToEndAsync(Cancellation);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var lines = new StringBuilder();
        daemon.ErrorDataReceived += (_, line) =>
        {
            lock (lines)
            {
                lines.Append(line.Data).Append('\n');
            }

            if (line.Data?.StartsWith("ready ", StringComparison.Ordinal) == true)
            {
                started.TrySetResult();
            }
        };
        daemon.Exited += (_, _) => started.TrySetException(new InvalidOperationException(lines.ToString()));
        daemon.EnableRaisingEvents = true;
        daemon.BeginErrorReadLine();
        log = lines;
        ready = started.Task;
        return daemon;
    }

    private Process Start(string program, string script)
    {
        var start = new ProcessStartInfo(program, ["-c", script])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder.Path,
        };
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    // One device with its key, and one that shows another device's password under a name that nobody enrolled.
    private async Task StreamAsync()
    {
        Recording recording = RotatingMachines.Create(seed: 1, trainDevices: 1, testDevices: 1);
        FeatureSpecification features = recording.ToFeatureSpecification(128, 64);
        string listen = (await File.ReadAllLinesAsync(Configuration, Cancellation))
            .SkipWhile(l => l != "[mqtt]").First(l => l.StartsWith("listen", StringComparison.Ordinal)).Split('"')[1];
        var endPoint = IPEndPoint.Parse(listen);
        DeviceReport report = await new SimulatedDevice(
            new DeviceId("d-0"), deviceKeys[0], bootId: 1, features, recording.Devices[0].Train,
            recording.Devices[0].Test, new DnsEndPoint(endPoint.Address.ToString(), endPoint.Port), TimeProvider.System)
            .RunAsync(Cancellation);
        Assert.True(report.FramesAcknowledged > 0);
        using var client = new MQTTnet.MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(
            new MQTTnet.MqttClientOptionsBuilder().WithTcpServer(endPoint.Address.ToString(), endPoint.Port)
                .WithProtocolVersion(MQTTnet.Formatter.MqttProtocolVersion.V500)
                .WithClientId("stranger").WithCredentials("stranger", DeviceCredentials.Password(deviceKeys[1]))
                .Build(),
            Cancellation);
    }

    private async Task RunVerbsAsync(string when)
    {
        string report = folder.File($"{when}.tar.gz");
        string[][] verbs =
        [
            ["status", "--config", Configuration], ["status", "--config", Configuration, "--json"],
            ["station", "status", "--config", Configuration], ["check", Configuration],
            ["audit", "log", "--config", Configuration], ["chain", "status", "--config", Configuration, "--json"],
            ["keys", "test", gateway.AddressOf("node"), "--count", "2"],
            ["devices", "enrol", "d-1", "--config", Configuration],
            ["bugreport", "--config", Configuration, "--out", report],
        ];
        foreach (string[] verb in verbs)
        {
            (_, string output, string error) = await GatewayProcess.RunVerbAsync(variables, verb);
            canaries.AssertNoneIn($"{string.Join(' ', verb)}, {when}", output + error);
        }

        await using var packed = new GZipStream(File.OpenRead(report), CompressionMode.Decompress);
        await using var tar = new TarReader(packed);
        var names = new List<string>();
        while (await tar.GetNextEntryAsync(copyData: true, Cancellation) is { } entry)
        {
            using var content = new MemoryStream();
            await entry.DataStream!.CopyToAsync(content, Cancellation);
            canaries.AssertNoneIn($"{entry.Name} of the bug report, {when}", content.ToArray());
            names.Add(Path.GetFileName(entry.Name));
        }

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(report));
        Assert.Superset(
            new HashSet<string> { "README.txt", "environment.json", "configuration.toml", "files.txt", "audit.txt" },
            names.ToHashSet());
        Assert.Contains(when == "running" ? "log.json" : "log-problem.txt", names);
    }

    // The runtime keeps the first SIGABRT that comes from outside to itself; the next one ends the process. Without the
    // daemon's guard that leaves a core file of 180 MB here.
    private static async Task AbortAsync(Process daemon)
    {
        Task ended = daemon.WaitForExitAsync(Cancellation);
        using var again = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (int i = 0; i < Deadline.TotalSeconds && !ended.IsCompleted; i++)
        {
            using Process kill = Process.Start("kill", ["-ABRT", daemon.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync(Cancellation);
            await Task.WhenAny(ended, again.WaitForNextTickAsync(Cancellation).AsTask());
        }

        await ended.WaitAsync(Deadline, Cancellation);
        Assert.Equal(128 + 6, daemon.ExitCode);
    }

    // What the documentation says to copy (docs/spec/storage.md, "Backup"): everything but keys and devices; the
    // configuration has the comments that its owner wrote.
    private void ScanCopy()
    {
        int scanned = 0;
        foreach (string file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            string name = Path.GetRelativePath(Folder, file);
            bool isSecret = name.StartsWith("keys/", StringComparison.Ordinal)
                || name.StartsWith("devices/", StringComparison.Ordinal);
            bool isOwners = name is "gateway.toml" or "notes.txt";
            if (isSecret || isOwners || name.EndsWith(".sock", StringComparison.Ordinal))
            {
                continue;
            }

            canaries.AssertNoneIn(name, File.ReadAllBytes(file));
            scanned++;
        }

        Assert.InRange(scanned, 8, 1000);
    }
}
