using System.Collections.Concurrent;
using System.Device.Gpio;
using System.Globalization;
using System.Net;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Station.Tests;
using Microsoft.Extensions.Logging;
using Xunit;

namespace FedIoT.Gateway.Tests.Board;

/// <summary>
/// One gateway that is a chain of its own: the real daemon in this process, on a folder that the verbs made, with pins
/// and a clock chip of the test. It can be stopped and started again on the same folder.
/// </summary>
internal sealed class DaemonWithBoard : IAsyncDisposable
{
    public const int Led = 17;
    public const int Lid = 27;
    public const int Button = 22;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);
    private static int instances;

    private readonly TemporaryFolder folder = new();
    private readonly CapturedLog log = new();
    private readonly string address = string.Create(
        CultureInfo.InvariantCulture,
        $"127.{(Environment.ProcessId >> 8 & 0x7f) + 2}.{Environment.ProcessId & 0xff}.{++instances + 100}");

    private CancellationTokenSource? stopping;
    private Task running = Task.CompletedTask;

    public FakePins Pins { get; private set; } = new();

    public FakeDs3231 Chip { get; } = new();

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public string Configuration => folder.File("g/gateway.toml");

    public string StateFolder => folder.File("g/state");

    public IPEndPoint Mqtt => new(IPAddress.Parse(address), 1883);

    public IReadOnlyCollection<string> Log => log.Lines;

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Makes the folder; the lid is closed, the button is not pressed.</summary>
    public static async Task<DaemonWithBoard> CreateAsync(string station)
    {
        var made = new DaemonWithBoard();
        made.Pins.Levels[Button] = PinValue.High;
        await GatewayProcessNetwork.VerbAsync(
            "init", "--folder", made.folder.File("g"), "--chain-id", "board-test", "--listen", $"{made.address}:7400",
            "--mqtt", $"{made.address}:1883");
        await GatewayProcessNetwork.VerbAsync(
            "chain", "genesis", "--chain-id", "board-test", "--out", made.folder.File("g/genesis.cbor"),
            made.folder.File("g/gateway.pub.toml"));
        string text = await File.ReadAllTextAsync(made.Configuration, Cancellation);
        await File.WriteAllTextAsync(
            made.Configuration,
            text.Replace("idle_interval_ms = 10000", "idle_interval_ms = 200", StringComparison.Ordinal)
                + $"\n[station]\n{station}\n",
            Cancellation);
        return made;
    }

    public string PathOf(string name) => folder.File(name);

    /// <summary>Runs the daemon until it says that it is ready.</summary>
    public async Task StartAsync(BoardHardware? hardware = null)
    {
        stopping = new CancellationTokenSource();
        var pins = Pins;
        var output = new ReadyWriter();
        using ILoggerFactory loggers = LoggerFactory.Create(b => b.AddProvider(log));
        var daemon = new GatewayDaemon(
            GatewayConfigurationReader.Read(Configuration), Time, loggers, output,
            hardware ?? new BoardHardware(() => new GpioController(pins), _ => Chip));
        running = daemon.RunAsync(stopping.Token);
        Task first = await Task.WhenAny(output.Ready, running).WaitAsync(Deadline, Cancellation);
        await first;
        Assert.True(output.Ready.IsCompleted, "the daemon ended without being ready");
    }

    /// <summary>Stops it; pins keep their levels for the next start.</summary>
    public async Task StopAsync()
    {
        await stopping!.CancelAsync();
        await running.WaitAsync(Deadline, Cancellation);
        var next = new FakePins();
        foreach ((int pin, PinValue level) in Pins.Levels)
        {
            next.Levels[pin] = level;
        }

        Pins = next; // the controller disposed the old driver
    }

    public Task<StatusAnswer> StatusAsync() => AskAsync("v1/status", AdminJson.Default.StatusAnswer);

    public Task<StationAnswer> StationAsync() => AskAsync("v1/station", AdminJson.Default.StationAnswer);

    /// <summary>An order to the board.</summary>
    public async Task<StationAnswer> OrderAsync(string order)
    {
        using AdminClient client = Connect();
        return AdminClient.Read(
            await client.PostAsync($"v1/station/{order}", [], Cancellation), AdminJson.Default.StationAnswer);
    }

    /// <summary>Looks several times a second until the condition holds.</summary>
    public async Task WaitUntilAsync(Func<Task<bool>> holds, string what)
    {
        long start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!await holds())
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(start) < Deadline, $"not yet: {what}\n{string.Join('\n', Log)}");
            await timer.WaitForNextTickAsync(Cancellation);
        }
    }

    public Task WaitForStatusAsync(Func<StatusAnswer, bool> holds, string what) =>
        WaitUntilAsync(async () => holds(await StatusAsync()), what);

    /// <summary>Waits until the light shows a pattern, told by how long it is on and how often it changes.</summary>
    public Task WaitForLightAsync(string pattern) => WaitUntilAsync(
        () => Task.FromResult(NameOf(Pins.LastWrites(Led, 40)) == pattern), $"the light shows '{pattern}'");

    /// <summary>Presses the join button for long enough.</summary>
    public async Task PressAsync()
    {
        Pins.Levels[Button] = PinValue.Low;
        int before = Pins.ReadsOf(Button);
        await WaitUntilAsync(() => Task.FromResult(Pins.ReadsOf(Button) >= before + 4), "the button is seen pressed");
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500)); // a finger's time, not a wait for an event
        await timer.WaitForNextTickAsync(Cancellation);
        Pins.Levels[Button] = PinValue.High;
        await WaitForStatusAsync(s => s.JoinWindowSeconds > 0, "the join window is open");
    }

    public async ValueTask DisposeAsync()
    {
        if (stopping is { IsCancellationRequested: false })
        {
            await StopAsync();
        }

        stopping?.Dispose();
        Chip.Dispose();
        folder.Dispose();
    }

    private static string NameOf(bool[] values)
    {
        if (values.Length < 40)
        {
            return "unknown";
        }

        double on = values.Count(v => v) / (double)values.Length;
        int changes = Enumerable.Range(1, values.Length - 1).Count(i => values[i] != values[i - 1]);
        return on > 0.8 ? "healthy" : on < 0.3 ? "unclaimed" : changes > 14 ? "tamper" : changes > 5 ? "starting"
            : "degraded";
    }

    private async Task<T> AskAsync<T>(
        string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        using AdminClient client = Connect();
        return AdminClient.Read(await client.GetAsync(path, Cancellation), type);
    }

    private AdminClient Connect() => new(Path.Combine(StateFolder, "admin.sock"), "test");

    private sealed class ReadyWriter : StringWriter
    {
        private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Ready => ready.Task;

        public override Task WriteLineAsync(string? value)
        {
            if (value?.StartsWith("ready ", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }

            return Task.CompletedTask;
        }
    }

    private sealed class CapturedLog : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> lines = [];

        public IReadOnlyCollection<string> Lines => lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception?.Message}");
            }
        }

        public void Dispose()
        {
            // lines stay readable after the daemon ended
        }
    }
}
