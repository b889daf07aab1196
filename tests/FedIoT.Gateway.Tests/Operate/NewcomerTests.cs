using System.Diagnostics;
using System.Globalization;
using System.IO.Pipes;
using System.Text.Json;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Gateway.Tests.Configuration;
using FedIoT.Learning.Onnx;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>What somebody meets who has nothing but the README: the whole way with one gateway, and its mistakes.
/// </summary>
public sealed class NewcomerTests : IDisposable
{
    private static readonly TimeSpan WorkMax = TimeSpan.FromSeconds(90);

    private readonly TemporaryFolder folder = new();

    // 127.x.y.z, so that runs beside each other do not take each other's ports.
    private readonly string host = string.Create(
        CultureInfo.InvariantCulture,
        $"127.{(Environment.ProcessId >> 8 & 0x7f) + 66}.{Environment.ProcessId & 0xff}.77");

    private string Configuration => folder.File("g/gateway.toml");

    private string PublicFile => folder.File($"g/{PublicPart.FileName}");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task SimulatedDevices_AndATask_GiveAModelFileThatOnnxRuntimeTakes()
    {
        await MakeAsync();
        foreach (string device in (string[])["pump-1", "pump-2"])
        {
            await GatewayProcessNetwork.VerbAsync("devices", "enrol", device, "--config", Configuration);
        }

        await using var gateway = new GatewayProcess(folder.File("g"));
        await gateway.StartAsync();
        foreach (string device in (string[])["pump-1", "pump-2"])
        {
            JsonElement sent = JsonDocument.Parse(await GatewayProcessNetwork.VerbAsync(
                "devices", "simulate", device, "--config", Configuration, "--json")).RootElement;
            Assert.Equal(160, sent.GetProperty("framesAcknowledged").GetInt64());
        }

        await WaitAsync(
            async () => await StatusAsync(gateway) is { IsRegistered: true, FramesStored: 320 },
            "key and devices are on the chain, windows in the store");
        await RefuseOtherFeaturesAsync();
        await File.WriteAllTextAsync(folder.File("task.toml"), TaskFileTests.Valid, Cancellation);
        await GatewayProcessNetwork.VerbAsync("tasks", "create", folder.File("task.toml"), "--config", Configuration);
        await WaitAsync(
            async () => (await gateway.TryReadAsync(
                "v1/tasks/pump-condition", AdminJson.Default.TaskAnswer, Cancellation))?.Phase == "Complete",
            "two rounds closed");
        string text = await GatewayProcessNetwork.VerbAsync(
            "tasks", "model", "pump-condition", "--out", folder.File("m.onnx"), "--config", Configuration);
        Assert.Contains("v2 of pump-condition, round 2", text, StringComparison.Ordinal);
        byte[] file = await File.ReadAllBytesAsync(folder.File("m.onnx"), Cancellation);
        using OnnxModel model = OnnxModel.Load(file);
        Assert.Equal((48, 4), (model.InputCount, model.OutputCount));
        TaskAnswer task = (await gateway.TryReadAsync(
            "v1/tasks/pump-condition", AdminJson.Default.TaskAnswer, Cancellation))!;
        Assert.Equal(task.Versions[^1].Hash, model.Metadata["fediot.model"]);
        Assert.Equal([2, 2], task.Versions.Skip(1).Select(v => v.Deltas));
    }

    [Fact]
    public async Task Simulate_WhatIsNotEnrolledOrDoesNotFit_IsRefusedWithTheNextStep()
    {
        await MakeAsync();
        await RefuseAsync(2, "add it with: fediot devices enrol x --config", "devices", "simulate", "x",
            "--config", Configuration);
        await GatewayProcessNetwork.VerbAsync("devices", "enrol", "x", "--config", Configuration);
        await RefuseAsync(1, "does the gateway run, and was it restarted after the enrolment?",
            "devices", "simulate", "x", "--config", Configuration);
        string text = await File.ReadAllTextAsync(Configuration, Cancellation);
        await File.WriteAllTextAsync(
            Configuration, text.Replace("sample_interval_ms = 2", "sample_interval_ms = 20", StringComparison.Ordinal),
            Cancellation);
        await RefuseAsync(2, "sample_interval_ms = 2, channels ax in g to 4", "devices", "simulate", "x",
            "--config", Configuration);
    }

    [Fact]
    public async Task Mistakes_BeforeTheFirstStart_NameFileValueAndNextStep()
    {
        await MakeAsync();
        await RefuseAsync(2, "change it there, or leave --listen out",
            "init", "--folder", folder.File("g"), "--listen", $"{host}:7499");
        await RefuseAsync(2, $"{PublicFile} and {PublicFile} have one node key",
            "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("two.cbor"), PublicFile, PublicFile);
        await RefuseAsync(2, "'fediot init' of each gateway makes its gateway.pub.toml",
            "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("two.cbor"), folder.File("none"));
        await RefuseAsync(2, "it is a folder; a file is expected here", "check", folder.File("g"));
        await RefuseAsync(1, $"there is no folder {folder.File("none")}",
            "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("none/genesis.cbor"), PublicFile);
        Directory.CreateDirectory(folder.File("g/state/chain/blocks"));
        await RefuseAsync(2, $"did you mean {folder.File("g/state")}?", "verify", folder.File("g"));
    }

    [Fact]
    public async Task Check_OneOfSeveralValidatorsWithoutPeers_NotesThatItWaits()
    {
        await MakeAsync();
        await GatewayProcessNetwork.VerbAsync("init", "--folder", folder.File("h"), "--chain-id", "plant-7");
        File.Delete(folder.File("g/genesis.cbor"));
        await GatewayProcessNetwork.VerbAsync(
            "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("g/genesis.cbor"),
            "--peers", folder.File("peers.toml"), PublicFile, folder.File($"h/{PublicPart.FileName}"));
        (int exitCode, _, string note) = await GatewayProcess.RunVerbAsync("check", Configuration);
        Assert.Equal(0, exitCode);
        Assert.Contains("waits until others of the 2 validators connect to it", note, StringComparison.Ordinal);
        await File.AppendAllTextAsync(
            Configuration, await File.ReadAllTextAsync(folder.File("peers.toml"), Cancellation), Cancellation);
        (_, _, note) = await GatewayProcess.RunVerbAsync("check", Configuration);
        Assert.Equal(string.Empty, note);
    }

    [Fact]
    public void StateFolder_WhoseDiskIsFull_IsNotSaidToBeInUse()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/dev/full");
        File.CreateSymbolicLink(folder.File("pid"), "/dev/full");
        RunFailedException full = Assert.Throws<RunFailedException>(() => StateFolderLock.Acquire(folder.Path));
        Assert.Contains($"the state folder {folder.Path} cannot be used: ", full.Message, StringComparison.Ordinal);
        File.Delete(folder.File("pid"));
        using StateFolderLock first = StateFolderLock.Acquire(folder.Path);
        RunFailedException second = Assert.Throws<RunFailedException>(() => StateFolderLock.Acquire(folder.Path));
        Assert.Contains($"in use by process {Environment.ProcessId}", second.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextFile_ThatIsAPipe_IsRefused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc/self/fd");
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        string path = $"/proc/self/fd/{pipe.GetClientHandleAsString()}";
        InputException refusal = Assert.Throws<InputException>(() => GatewayConfigurationReader.ReadText(path));
        Assert.Contains("it is a pipe or a device; a file is expected here", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeyFile_WhoseDiskIsFull_LeavesNothingInTheWay()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "prlimit");
        string verb = $"dotnet exec '{Path.Combine(AppContext.BaseDirectory, "fediot.dll")}' keys create file:node.key";
        var start = new ProcessStartInfo("prlimit", ["--fsize=0", "sh", "-c", $"trap '' XFSZ; exec {verb}"])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0"; // its memory would be a file
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        using Process process = Process.Start(start)!;
        string error = await process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode is 1 or 2, $"{process.ExitCode}: {error}");
        Assert.False(File.Exists(folder.File("node.key")), error);
        await GatewayProcessNetwork.VerbAsync("keys", "create", $"file:{folder.File("node.key")}");
    }

    private async Task MakeAsync()
    {
        await GatewayProcessNetwork.VerbAsync(
            "init", "--folder", folder.File("g"), "--chain-id", "plant-7", "--listen", $"{host}:7400",
            "--mqtt", $"{host}:1883");
        await GatewayProcessNetwork.VerbAsync(
            "chain", "genesis", "--chain-id", "plant-7", "--out", folder.File("g/genesis.cbor"), PublicFile);
    }

    // Samples of another hop have the same shape and another meaning.
    private async Task RefuseOtherFeaturesAsync()
    {
        string other = folder.File("other.toml");
        await File.WriteAllTextAsync(
            other, TaskFileTests.Valid.Replace("hop_samples = 64", "hop_samples = 32", StringComparison.Ordinal),
            Cancellation);
        await RefuseAsync(1, "are not those of [features]", "tasks", "create", other, "--config", Configuration);
        await RefuseAsync(1, "there is no task 'other', by id or name",
            "tasks", "model", "other", "--out", folder.File("m.onnx"), "--config", Configuration);
    }

    private static async Task RefuseAsync(int expected, string reason, params string[] verb)
    {
        (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync(verb);
        Assert.Equal((expected, string.Empty), (exitCode, output));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    private static async Task<StatusAnswer?> StatusAsync(GatewayProcess gateway) =>
        await gateway.TryReadAsync("v1/status", AdminJson.Default.StatusAnswer, Cancellation);

    private static async Task WaitAsync(Func<Task<bool>> holds, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < WorkMax, $"not yet: {what}");
            await timer.WaitForNextTickAsync(Cancellation);
        }
    }
}
