using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Operate;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>One <c>fediot run</c> process of a generated folder, and the verbs that are run against it.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    private const int LastLines = 400;
    private static readonly TimeSpan StartMax = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan VerbMax = TimeSpan.FromSeconds(180); // 'keys rotate' waits for two minutes itself
    private static readonly string Binary = Path.Combine(AppContext.BaseDirectory, "fediot.dll");

    private readonly IReadOnlyDictionary<string, string> variables;
    private readonly List<string> log = [];
    private readonly string[] within;
    private TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process? process;

    /// <param name="folder">That <c>fediot init</c> made.</param>
    /// <param name="variables">Of its environment, beside this process's.</param>
    /// <param name="within">A command that runs another one in its place, such as in a network namespace.</param>
    public GatewayProcess(
        string folder, IReadOnlyDictionary<string, string>? variables = null, params string[] within)
    {
        Folder = folder;
        this.variables = variables ?? new Dictionary<string, string>();
        this.within = within;
    }

    public string Folder { get; }

    public string Configuration => Path.Combine(Folder, "gateway.toml");

    public string Socket => Path.Combine(Folder, "state", "admin.sock");

    public int ProcessId => process!.Id;

    /// <summary>How often it was started; tells one life from the next.</summary>
    public int Starts { get; private set; }

    /// <summary>The last lines of standard error, for messages of failed tests.</summary>
    public string Log
    {
        get
        {
            lock (log)
            {
                return string.Join('\n', log.TakeLast(LastLines));
            }
        }
    }

    /// <summary>How many lines of standard error contain a part, of all its lives. A line comes through a pipe: it may
    /// be later here than an answer of the admin socket that tells the same.</summary>
    public int CountLines(string part)
    {
        lock (log)
        {
            return log.Count(l => l.Contains(part, StringComparison.Ordinal));
        }
    }

    /// <summary>Runs a verb to its end.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RunVerbAsync(params string[] arguments) =>
        RunVerbAsync(new Dictionary<string, string>(), arguments);

    /// <summary>Runs a verb with additional environment variables to its end.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RunVerbAsync(
        IReadOnlyDictionary<string, string> variables, params string[] arguments) =>
        RunWithinAsync([], variables, arguments);

    /// <summary>Runs a verb to its end within a command that runs another one in its place.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunWithinAsync(
        string[] within, IReadOnlyDictionary<string, string> variables, params string[] arguments)
    {
        using Process verb = Start(within, arguments, notifySocket: null, variables);
        Task<string> output = verb.StandardOutput.ReadToEndAsync();
        Task<string> error = verb.StandardError.ReadToEndAsync();
        try
        {
            await verb.WaitForExitAsync().WaitAsync(VerbMax);
        }
        catch (TimeoutException)
        {
            verb.Kill(); // else it would go on behind the failed test
            throw;
        }

        return (verb.ExitCode, await output, await error);
    }

    /// <summary>Starts the daemon and waits for its line.</summary>
    public async Task StartAsync(string? notifySocket = null)
    {
        ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts++;
        string[] arguments = ["run", "--config", Configuration, "--log-level", "Debug"];
        process = Start(within, arguments, notifySocket, variables);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        Task first = await Task.WhenAny(ready.Task, process.WaitForExitAsync()).WaitAsync(StartMax);
        if (first != ready.Task)
        {
            throw new InvalidOperationException($"fediot run ended with {process.ExitCode}:\n{Log}");
        }
    }

    /// <summary>Sends a signal: TERM, KILL, STOP or CONT.</summary>
    public async Task SignalAsync(string name)
    {
        using Process kill = Process.Start(
            "kill", ["-" + name, ProcessId.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits for the end and gives the exit code.</summary>
    public async Task<int> WaitForExitAsync(TimeSpan most)
    {
        await process!.WaitForExitAsync().WaitAsync(most);
        return process.ExitCode;
    }

    /// <summary>Where its chain stands; null while it does not answer.</summary>
    public Task<ChainStatusAnswer?> TryReadChainAsync(CancellationToken cancellation) =>
        TryReadAsync("v1/chain/status", AdminJson.Default.ChainStatusAnswer, cancellation);

    /// <summary>Asks without a process of its own; null while it does not answer, or has no answer.</summary>
    public async Task<T?> TryReadAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class
    {
        using var client = new AdminClient(Socket, "test");
        try
        {
            return AdminClient.Read(await client.GetAsync(path, cancellation), type);
        }
        catch (Exception e) when (e is FedIoT.Gateway.Cli.InputException or FedIoT.Gateway.Cli.RunFailedException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process?.Dispose();
    }

    private static Process Start(
        string[] within, string[] arguments, string? notifySocket, IReadOnlyDictionary<string, string> variables)
    {
        string[] command = [.. within, "dotnet", "exec", Binary, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string value) in variables)
        {
            start.Environment[name] = value;
        }

        start.Environment["NOTIFY_SOCKET"] = notifySocket;
        start.Environment["DOTNET_TieredPGO"] = "0"; // short lives: instrumented code would only cost time
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // a killed process would leave its pipes behind
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start");
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (log)
        {
            log.Add(line);
        }

        if (line.StartsWith("ready ", StringComparison.Ordinal))
        {
            ready.TrySetResult();
        }
    }
}
