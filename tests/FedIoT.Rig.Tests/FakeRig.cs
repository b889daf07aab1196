using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace FedIoT.Rig.Tests;

/// <summary>The board is a process: power is its life (a cut is SIGKILL), its console is standard error.</summary>
internal sealed class FakeRig : IRig
{
    private static readonly string Binary = Path.Combine(AppContext.BaseDirectory, "fediot.dll");

    private readonly string folder = Directory.CreateTempSubdirectory("fediot-rig-").FullName;
    private readonly string address = string.Create(
        CultureInfo.InvariantCulture,
        $"127.{(Environment.ProcessId >> 8 & 0x3f) + 180}.{Environment.ProcessId & 0xff}.9");

    private Process? board;

    public string Name => "fake";

    public UartLog Uart { get; } = new();

    public DnsEndPoint Mqtt => new(address, 1883);

    public TimeSpan BootMax => TimeSpan.FromSeconds(120);

    private string Configuration => Path.Combine(folder, "gateway.toml");

    public async Task PrepareAsync()
    {
        await RequireAsync(
            "init", "--folder", folder, "--chain-id", "rig-test", "--listen", $"{address}:7400", "--mqtt",
            $"{address}:1883");
        await RequireAsync(
            "chain", "genesis", "--chain-id", "rig-test", "--out", Path.Combine(folder, "genesis.cbor"),
            Path.Combine(folder, "gateway.pub.toml"));
        string text = await File.ReadAllTextAsync(Configuration);
        await File.WriteAllTextAsync(
            Configuration,
            text.Replace("idle_interval_ms = 10000", "idle_interval_ms = 200", StringComparison.Ordinal));
    }

    public Task PowerOnAsync()
    {
        board = ShellCommand.Start(Uart, "dotnet", "exec", Binary, "run", "--config", Configuration);
        return Task.CompletedTask;
    }

    public async Task CutPowerAsync()
    {
        if (board is not null)
        {
            board.Kill();
            await board.WaitForExitAsync();
            board.Dispose();
            board = null;
        }
    }

    public Task<(int ExitCode, string Output)> VerbAsync(params string[] arguments) => ShellCommand.RunAsync(
        TimeSpan.FromSeconds(120), "dotnet", ["exec", Binary, .. arguments, "--config", Configuration]);

    public Task<string> ReadAsync(string file) => File.ReadAllTextAsync(Path.Combine(folder, file));

    public async ValueTask DisposeAsync()
    {
        await CutPowerAsync();
        Directory.Delete(folder, recursive: true);
    }

    private static async Task RequireAsync(params string[] arguments)
    {
        (int exitCode, string output) = await ShellCommand.RunAsync(
            TimeSpan.FromSeconds(120), "dotnet", ["exec", Binary, .. arguments]);
        Assert.True(exitCode == 0, output);
    }
}
