using System.Diagnostics;
using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using FedIoT.Firmware.Simulator;
using FedIoT.Gateway.Tests;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing;
using FedIoT.Signing.Tests.Pkcs11;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using FedIoT.Wire.Tasks;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>
/// Secrets of a real gateway run, whose node key is in a token and whose training key is behind a passphrase: none may
/// be found in what it prints, logs, reports, stores and backs up, when it works and when it is given wrong PINs and
/// passphrases, nor in a memory dump.
/// </summary>
public sealed class SecretLeakTests : IDisposable
{
    private const int Devices = 20;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);
    private static readonly string Binary = Path.Combine(AppContext.BaseDirectory, "fediot.dll");

    private readonly TokenGateway gateway = new();
    private readonly TemporaryFolder folder = new();
    private readonly Canaries canaries = new();
    private readonly Dictionary<string, string> variables;
    private readonly List<byte[]> deviceKeys = [];
    private readonly List<Process> started = [];

    public SecretLeakTests() => variables = new Dictionary<string, string>(gateway.Hsm.Variables);

    private string Folder => gateway.FolderOf(0);

    private string Configuration => gateway.ConfigurationOf(0);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        foreach (Process process in started)
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true); // a failed test leaves no daemon behind
                process.WaitForExit();
            }

            process.Dispose();
        }

        folder.Dispose();
        gateway.Dispose();
    }

    [Fact]
    public async Task Canaries_InARealRun_AreFoundNowhere()
    {
        await gateway.InitAsync(0, "node");
        await gateway.MakeNetworkAsync(1);
        Plant();
        PlantPassphrases();
        Assert.Equal(55, canaries.Count);
        Assert.Contains("training passphrase", canaries.Find(File.ReadAllBytes(InKeys("passphrase"))));
        Assert.Contains("comment 0", canaries.Find(File.ReadAllBytes(Configuration)));
        Assert.Empty(canaries.Find(File.ReadAllBytes(InKeys("training.key")))); // behind its passphrase

        Process daemon = StartDaemon(out Task<string> output, out StringBuilder log, out Task ready);
        await ready.WaitAsync(Deadline, Cancellation);
        await StreamAsync();
        await RunVerbsAsync("running");
        await RunVerbAsync("rotate", 0, "keys", "rotate", "--config", Configuration);
        await RunWithWrongSecretsAsync();
        await AbortAsync(daemon);
        Assert.Empty(CoresIn(folder.Path));
        lock (log)
        {
            canaries.AssertNoneIn("standard error", log.ToString());
            Assert.Contains("ready chain=", log.ToString(), StringComparison.Ordinal);
        }

        canaries.AssertNoneIn("standard output", await output.WaitAsync(Deadline, Cancellation));
        await RunVerbsAsync("ended");
        await StartWithWrongSecretsAsync();
        await ScanBackupAsync();
    }

    [Fact]
    public async Task VerbThatHoldsAKey_Aborted_LeavesNoCoreFile()
    {
        string key = gateway.AddressOf("verb"); // a token takes long enough for so many signatures
        await gateway.VerbAsync("keys", "create", key);
        Process verb = Start(
            "bash", $"ulimit -c unlimited; exec dotnet exec '{Binary}' keys test '{key}' --count 100000");
        await WaitForDumpsOffAsync(verb);
        await AbortAsync(verb);
        Assert.Empty(CoresIn(folder.Path));
    }

    [Fact]
    public async Task CoreDumpsOfTheSystem_WorkHere_ButNotForTheGateway()
    {
        // The control of the test above: the same limits and signal make a core file of another process.
        Process shell = Start("bash", "ulimit -c unlimited && kill -ABRT $$");
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

    // The training key and the node key that comes next get a seed that is searched for, and a passphrase each.
    private void PlantPassphrases()
    {
        PlantKey("training", "passphrase", canaries.AddText("training passphrase", "canary pass phrase 31d7 training"));
        PlantKey("next", "next-passphrase", canaries.AddText("next passphrase", "canary pass phrase 8e02 next"));
        WriteSecret(InKeys("wrong-passphrase"), canaries.AddText("wrong passphrase", "canary pass phrase 5b6f wrong"));
        WriteSecret(InKeys("wrong-pin"), canaries.AddText("wrong PIN", "canary-pin-60914"));
        string text = File.ReadAllText(Configuration);
        string training = "\"file:keys/training.key\"";
        Assert.Contains(training, text, StringComparison.Ordinal);
        File.WriteAllText(Configuration, text.Replace(
            training,
            "\"file:keys/training.key;passphrase-file=keys/passphrase\"\n"
                + "next_node = \"file:keys/next.key;passphrase-file=keys/next-passphrase\"",
            StringComparison.Ordinal));
    }

    private void PlantKey(string name, string passphraseFile, string passphrase)
    {
        WriteSecret(InKeys(passphraseFile), passphrase);
        byte[] seed = canaries.Add($"{name} key", Hash256.Of(Encoding.ASCII.GetBytes($"canary {name}")).ToArray());
        using Ed25519Signer signer = Ed25519Signer.FromSeed(seed);
        File.Delete(InKeys($"{name}.key"));
        Ed25519KeyFile.Write(
            InKeys($"{name}.key"), seed, signer.PublicKey.Bytes, SecretSource.File(InKeys(passphraseFile)));
    }

    private string InKeys(string name) => Path.Combine(Folder, "keys", name);

    private static void WriteSecret(string path, string secret)
    {
        File.WriteAllText(path, secret + "\n");
        Tool.SetMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
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
        daemon.Exited += (_, _) =>
        {
            lock (lines)
            {
                started.TrySetException(new InvalidOperationException(lines.ToString()));
            }
        };
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

        Process process = Process.Start(start)!;
        started.Add(process);
        return process;
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
            ["keys", "test", Sealed("passphrase"), "--count", "2"],
            ["keys", "list", "--folder", Path.Combine(Folder, "keys")],
            ["devices", "enrol", "d-1", "--config", Configuration],
            ["bugreport", "--config", Configuration, "--out", report],
        ];
        foreach (string[] verb in verbs)
        {
            await RunVerbAsync(when, null, verb);
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

    private string Sealed(string passphraseFile) =>
        $"file:{InKeys("training.key")};passphrase-file={InKeys(passphraseFile)}";

    private async Task<string> RunVerbAsync(string when, int? expected, params string[] verb)
    {
        (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync(variables, verb);
        canaries.AssertNoneIn($"{string.Join(' ', verb)}, {when}", output + error);
        Assert.True(exitCode == (expected ?? exitCode), $"{string.Join(' ', verb)} gave {exitCode}: {error}{output}");
        return error;
    }

    // Beside the running daemon: each gives an error, and the error says where the secret came from, not what it is.
    private async Task RunWithWrongSecretsAsync()
    {
        string refused = await RunVerbAsync("wrong passphrase", 1, "keys", "test", Sealed("wrong-passphrase"));
        Assert.Contains("does not open the key file", refused, StringComparison.Ordinal);
        variables["FEDIOT_CANARY_PASSPHRASE"] =
            canaries.AddText("passphrase of the environment", "canary pass phrase 77c4 variable");
        await RunVerbAsync(
            "wrong passphrase in a variable", 1, "keys", "test",
            $"file:{InKeys("training.key")};passphrase-env=FEDIOT_CANARY_PASSPHRASE");
        refused = await RunVerbAsync(
            "wrong PIN", 1, "keys", "test",
            gateway.AddressOf("node").Replace(gateway.Hsm.PinFile, InKeys("wrong-pin"), StringComparison.Ordinal));
        Assert.Contains("refused the PIN", refused, StringComparison.Ordinal);
        await RunVerbAsync(
            "a PIN in an address", 2, "keys", "test", $"pkcs11:module=m;token=t;key=k;pin={SoftHsm.Pin}");
    }

    // A daemon that cannot open a key ends, or degrades; its log is at its most talkative.
    private async Task StartWithWrongSecretsAsync()
    {
        string right = await File.ReadAllTextAsync(Configuration, Cancellation);
        await File.WriteAllTextAsync(
            Configuration, right.Replace("=keys/passphrase", "=keys/wrong-passphrase", StringComparison.Ordinal),
            Cancellation);
        string refused = await RunVerbAsync(
            "start, wrong passphrase", 2, "run", "--config", Configuration, "--log-level", "Debug");
        Assert.Contains("does not open the key file", refused, StringComparison.Ordinal);
        await RunVerbAsync("check, wrong passphrase", 2, "check", Configuration);
        await RunVerbAsync("bug report, wrong passphrase", 0, "bugreport", "--config", Configuration, "--out",
            folder.File("wrong.tar.gz"));
        await File.WriteAllTextAsync(
            Configuration, right.Replace(gateway.Hsm.PinFile, "keys/wrong-pin", StringComparison.Ordinal),
            Cancellation);
        await RunVerbAsync("check, wrong PIN", 2, "check", Configuration);
        await File.WriteAllTextAsync(Configuration, right, Cancellation);
    }

    // Since its first line, or when the kernel says so: before that, the abort would be another process's.
    // The shell may have started with limits of 0 itself.
    private static async Task WaitForDumpsOffAsync(Process process)
    {
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (int i = 0; i < 50 * Deadline.TotalSeconds; i++)
        {
            string name = await File.ReadAllTextAsync($"/proc/{process.Id}/comm", Cancellation);
            string core = (await File.ReadAllLinesAsync($"/proc/{process.Id}/limits", Cancellation))
                .First(l => l.StartsWith("Max core file size", StringComparison.Ordinal));
            if (name.Trim() != "bash" && core.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4] == "0")
            {
                return;
            }

            await again.WaitForNextTickAsync(Cancellation);
        }

        Assert.Fail("the verb did not forbid core files");
    }

    // The runtime keeps the first SIGABRT that comes from outside to itself; the next one ends the process. Without the
    // daemon's guard that leaves a core file of 180 MB here.
    private static async Task AbortAsync(Process daemon)
    {
        Task ended = daemon.WaitForExitAsync(Cancellation);
        using var again = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        for (int i = 0; i < 4 * Deadline.TotalSeconds && !ended.IsCompleted; i++)
        {
            using Process kill = Process.Start("kill", ["-ABRT", daemon.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync(Cancellation);
            await Task.WhenAny(ended, again.WaitForNextTickAsync(Cancellation).AsTask());
        }

        await ended.WaitAsync(Deadline, Cancellation);
        Assert.Equal(128 + 6, daemon.ExitCode);
    }

    // The command of the documentation, as it stands there (docs/spec/storage.md, "Backup"); the configuration has the
    // comments that its owner wrote.
    private async Task ScanBackupAsync()
    {
        string archive = folder.File("backup.tar.gz");
        using Process tar = Process.Start("bash", ["-c", BackupCommand()
            .Replace("/var/lib/fediot", Folder, StringComparison.Ordinal)
            .Replace("backup.tar.gz", archive, StringComparison.Ordinal)]);
        await tar.WaitForExitAsync(Cancellation).WaitAsync(Deadline, Cancellation);
        Assert.Equal(0, tar.ExitCode);
        var scanned = new List<string>();
        await using var packed = new GZipStream(File.OpenRead(archive), CompressionMode.Decompress);
        await using var reader = new TarReader(packed);
        while (await reader.GetNextEntryAsync(copyData: true, Cancellation) is { } entry)
        {
            if (entry.DataStream is { } data && entry.Name is not ("./gateway.toml" or "./notes.txt"))
            {
                using var content = new MemoryStream();
                await data.CopyToAsync(content, Cancellation);
                canaries.AssertNoneIn($"{entry.Name} of the backup", content.ToArray());
            }

            scanned.Add(entry.Name);
        }

        Assert.Contains("./gateway.toml", scanned);
        Assert.Contains("./genesis.cbor", scanned);
        Assert.Contains(scanned, n => n.StartsWith("./state/audit/", StringComparison.Ordinal));
        Assert.DoesNotContain(scanned, n => n.Contains("/keys/", StringComparison.Ordinal));
        Assert.DoesNotContain(scanned, n => n.Contains("/sign/", StringComparison.Ordinal));
    }

    private static string BackupCommand()
    {
        string? root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root!, "FedIoT.sln")))
        {
            root = Path.GetDirectoryName(root);
        }

        return File.ReadLines(Path.Combine(root!, "gateway", "docs", "spec", "storage.md"))
            .Single(l => l.StartsWith("sudo tar ", StringComparison.Ordinal))["sudo ".Length..];
    }
}
