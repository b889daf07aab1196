using System.Globalization;
using FedIoT.Gateway.Configuration;
using FedIoT.Station;
using FedIoT.Storage.Files;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Board;

/// <summary>
/// The gateway's own board inside the daemon: shows its health, watches lid and button, keeps the alarm and the audit
/// log on disk, locks signing by policy, puts a floor below the time. Whatever the hardware does, the daemon goes on.
/// </summary>
/// <remarks>Thread-safe. One task of its own looks at the board every <see cref="LedPattern.Resolution"/>.</remarks>
internal sealed partial class GatewayBoard : IAsyncDisposable
{
    private static readonly TimeSpan ClockInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan JudgeInterval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly StationSettings settings;
    private readonly ILogger logger;
    private readonly AuditLog audit;
    private readonly TamperRecord tamper;
    private readonly GatewayStation station;
    private readonly BoardClock clock;
    private readonly CancellationTokenSource stopping = new();
    private readonly long startedAt;
    private Func<StationHealth> judge = () => StationHealth.Starting;
    private StationHealth health = StationHealth.Starting;
    private TimeSpan judgedAt = -JudgeInterval;
    private TimeSpan clockCheckedAt;
    private TimeSpan windowOpenedAt;
    private TimeSpan diskTriedAt;
    private string? diskProblem;
    private bool isClockReported;
    private string[] reported = [];
    private Task loop = Task.CompletedTask;

    private GatewayBoard(
        StationSettings settings, string stateFolder, BoardHardware hardware, TimeProvider system, ILogger logger)
    {
        this.settings = settings;
        this.logger = logger;
        Time = new FlooredTime(system);
        startedAt = Time.GetTimestamp();
        clock = new BoardClock(settings.Parts.ClockBus, hardware.OpenClock, Time);
        audit = AuditLog.Open(stateFolder, Time);
        tamper = new TamperRecord(stateFolder);
        station = new GatewayStation(settings.Parts, hardware.OpenGpio, clock: null, now: TimeSpan.Zero);
    }

    /// <summary>The node's clock: the system's, never below the clock chip's.</summary>
    public FlooredTime Time { get; }

    /// <summary>Whether keys sign.</summary>
    public SigningLock SigningLock { get; } = new();

    /// <summary>Who presented itself since the join button was pressed.</summary>
    public JoinWindow Join { get; } = new();

    /// <summary>When the case was opened, in milliseconds since 1970; null without an alarm.</summary>
    public long? CaseOpenedAt
    {
        get
        {
            lock (gate)
            {
                return tamper.OpenedAt;
            }
        }
    }

    private TimeSpan Now => Time.GetElapsedTime(startedAt);

    /// <summary>Opens the parts and begins to look at them; the light says "starting".</summary>
    /// <param name="configuration">Which parts, and where the state is. The caller owns the state folder.</param>
    /// <param name="hardware">How to open them.</param>
    /// <param name="system">The system's clock.</param>
    /// <param name="logger">For alarms and broken parts.</param>
    /// <exception cref="StorageException">Whether an alarm stands cannot be read.</exception>
    public static GatewayBoard Open(
        GatewayConfiguration configuration, BoardHardware hardware, TimeProvider system, ILogger logger)
    {
        var board = new GatewayBoard(
            configuration.Station, configuration.StateFolder, hardware, system, logger);
        board.Begin();
        return board;
    }

    /// <summary>What the light shows from now on, asked once a second.</summary>
    public void Show(Func<StationHealth> judgement)
    {
        lock (gate)
        {
            judge = judgement;
            judgedAt = -JudgeInterval;
        }
    }

    /// <summary>What is wrong with the board, a sentence each, for the status.</summary>
    public IReadOnlyList<string> Reasons()
    {
        lock (gate)
        {
            var reasons = new List<string>();
            if (tamper.OpenedAt is { } openedAt)
            {
                reasons.Add(AlarmText(openedAt));
            }

            if (Time.IsBehind)
            {
                reasons.Add(ClockText());
            }

            reasons.AddRange(Problems());
            return reasons;
        }
    }

    /// <summary>How long devices may still join; zero when the window is closed.</summary>
    public TimeSpan WindowLeft()
    {
        lock (gate)
        {
            return station.IsJoinWindowOpen(Now) ? windowOpenedAt + JoinButton.WindowLength - Now : TimeSpan.Zero;
        }
    }

    private bool HasJoinButton()
    {
        lock (gate)
        {
            return station.HasJoinButton;
        }
    }

    /// <summary>A device that is not enrolled showed its password; remembered while the window is open.</summary>
    public void Present(string name, byte[] password)
    {
        if (WindowLeft() > TimeSpan.Zero)
        {
            Join.Present(name, password);
        }
    }

    /// <summary>Whether a device may be enrolled now.</summary>
    /// <param name="name">The device.</param>
    /// <param name="password">Made of the key to be enrolled; null for a key that the device gets later.</param>
    /// <param name="problem">Why not.</param>
    public bool TryAllowEnrolment(string name, string? password, out string problem)
    {
        if (WindowLeft() == TimeSpan.Zero)
        {
            problem = HasJoinButton()
                ? "the join window is closed; press the join button of this gateway for a second, then try again"
                : "the join window is closed and the join button does not work ('fediot status' says why); mend it, or "
                    + "stop the gateway for this command";
            return false;
        }

        problem = (password is null ? true : Join.Shows(name, password)) switch
        {
            true => string.Empty,
            false => $"the device that presented itself as '{name}' holds another key than the given one",
            null => $"no device '{name}' presented itself since the button was pressed; switch it on near the gateway",
        };
        if (problem.Length == 0)
        {
            audit.TryAdd(
                AuditKind.EnrolmentAllowed,
                $"device {name}, {(password is null ? "with a new key" : "which proved its key")}");
        }

        return problem.Length == 0;
    }

    /// <summary>Ends the alarm and the lock that came with it.</summary>
    /// <param name="problem">Why not.</param>
    public bool TryClearAlarm(out string problem)
    {
        lock (gate)
        {
            problem = tamper.OpenedAt is null ? "there is no alarm"
                : station.TryAcknowledgeTamper() ? string.Empty : "the case is open; close it first";
            if (problem.Length > 0)
            {
                return false;
            }

            try
            {
                tamper.Clear();
                diskProblem = null;
            }
            catch (StorageException e)
            {
                problem = e.Message;
                return false;
            }
        }

        audit.TryAdd(AuditKind.AlarmCleared, "over the admin socket");
        SigningLock.Release();
        Log.AlarmCleared(logger);
        return true;
    }

    /// <summary>Sets the clock chip to the system's time.</summary>
    /// <param name="notBefore">A time that is past for sure, such as that of the last block.</param>
    /// <param name="problem">Why not.</param>
    public bool TrySetClock(DateTimeOffset notBefore, out string problem)
    {
        lock (gate)
        {
            if (Time.SystemNow + FlooredTime.DriftMax < notBefore)
            {
                problem = $"the system's clock says {Time.SystemNow:u}, the last block is of {notBefore:u}; set the "
                    + "system's clock first";
                return false;
            }

            if (!clock.TrySet(out problem))
            {
                return false;
            }
        }

        audit.TryAdd(AuditKind.ClockSet, $"to {Time.SystemNow:u}");
        return true;
    }

    /// <summary>Stops looking, puts the light out, closes the log.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // cancelled
        station.Dispose();
        clock.Dispose();
        audit.Dispose();
        stopping.Dispose();
    }

    private static string Shown(long time) => time == 0 ? "an unknown time"
        : DateTimeOffset.FromUnixTimeMilliseconds(time).ToString("u", CultureInfo.InvariantCulture);

    private string AlarmText(long openedAt) =>
        $"the case was opened at {Shown(openedAt)}{(settings.LocksSigning ? "; nothing is signed" : string.Empty)}; "
        + "look at the gateway, then type: fediot station clear-alarm";

    private string ClockText() => string.Create(
        CultureInfo.InvariantCulture,
        $"the system's clock says {Time.SystemNow:u}, the clock chip {Time.FloorNow():u}, which counts; set the "
        + $"one that is wrong (the chip by: fediot station set-clock)");

    private IEnumerable<string> Problems() =>
        station.Problems.Concat(
            new[] { clock.Problem, audit.Problem, diskProblem, LoopProblem() }.OfType<string>());

    // A lid that nobody looks at must not look closed.
    private string? LoopProblem() => loop.Exception?.GetBaseException() is { } e
        ? $"lid, button and light are not looked after any more: {e.Message}; restart the gateway"
        : null;

    private void Begin()
    {
        audit.TryAdd(
            AuditKind.Started,
            $"process {Environment.ProcessId}"
            + (tamper.OpenedAt is { } standing ? $"; the alarm of {Shown(standing)} stands" : string.Empty));
        if (tamper.OpenedAt is { } openedAt)
        {
            Log.AlarmStands(logger, AlarmText(openedAt));
            LockSigning(openedAt);
        }

        Step();
        if (settings.HasParts)
        {
            loop = Task.Run(() => RunAsync(stopping.Token));
        }
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(LedPattern.Resolution, Time);
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            Step();
        }
    }

    private void Step()
    {
        lock (gate)
        {
            TimeSpan now = Now;
            StationHealth shown = tamper.OpenedAt is null ? JudgeHealth(now) : StationHealth.Tamper;
            foreach (StationEvent happened in station.Step(shown, now))
            {
                if (happened == StationEvent.CaseOpened)
                {
                    OnCaseOpened();
                }
                else
                {
                    OnJoinButton(now);
                }
            }

            if (diskProblem is not null && now - diskTriedAt >= JudgeInterval)
            {
                WriteAlarm(tamper.Persist); // a disk that was full has room again
            }

            if (now - clockCheckedAt >= ClockInterval)
            {
                clockCheckedAt = now;
                clock.Check();
            }

            Report();
        }
    }

    private StationHealth JudgeHealth(TimeSpan now)
    {
        if (now - judgedAt >= JudgeInterval)
        {
            judgedAt = now;
            health = judge();
        }

        return health;
    }

    // The lock first, because it is the safe side; then what a restart needs; then the book.
    private void OnCaseOpened()
    {
        long now = Math.Max(1, Time.GetUtcNow().ToUnixTimeMilliseconds());
        LockSigning(tamper.OpenedAt ?? now);
        WriteAlarm(() => tamper.Raise(now));
        audit.TryAdd(AuditKind.CaseOpened, "the lid switch opened");
        Log.CaseOpened(logger, AlarmText(tamper.OpenedAt ?? now));
    }

    private void WriteAlarm(Action write)
    {
        diskTriedAt = Now;
        try
        {
            write();
            diskProblem = null;
        }
        catch (StorageException e)
        {
            diskProblem = $"the alarm is not on disk and would not survive a restart: {e.Message}";
        }
    }

    private void LockSigning(long openedAt)
    {
        if (settings.LocksSigning && SigningLock.Reason is null)
        {
            SigningLock.Engage($"Signing is locked: {AlarmText(openedAt)}");
            audit.TryAdd(AuditKind.SigningLocked, "until the alarm is cleared");
        }
    }

    private void OnJoinButton(TimeSpan now)
    {
        windowOpenedAt = now;
        Join.Clear();
        audit.TryAdd(AuditKind.JoinWindowOpened, "the join button was pressed");
        Log.JoinWindowOpened(logger, (int)JoinButton.WindowLength.TotalMinutes);
    }

    private void Report()
    {
        string[] problems = [.. Problems()];
        foreach (string problem in problems.Except(reported))
        {
            Log.PartFails(logger, problem);
        }

        reported = problems;

        if (Time.IsBehind && !isClockReported)
        {
            isClockReported = true;
            audit.TryAdd(AuditKind.ClockBehind, $"the system's clock says {Time.SystemNow:u}");
            Log.ClockBehind(logger, ClockText());
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Critical, "ALARM: {Alarm}")]
        public static partial void CaseOpened(ILogger logger, string alarm);

        [LoggerMessage(4002, LogLevel.Critical, "The alarm stands: {Alarm}")]
        public static partial void AlarmStands(ILogger logger, string alarm);

        [LoggerMessage(4003, LogLevel.Warning, "The alarm was cleared over the admin socket")]
        public static partial void AlarmCleared(ILogger logger);

        [LoggerMessage(4004, LogLevel.Information, "Devices may join for {Minutes} minutes")]
        public static partial void JoinWindowOpened(ILogger logger, int minutes);

        [LoggerMessage(4005, LogLevel.Warning, "The board is degraded: {Problem}")]
        public static partial void PartFails(ILogger logger, string problem);

        [LoggerMessage(4006, LogLevel.Warning, "The clock is degraded: {Problem}")]
        public static partial void ClockBehind(ILogger logger, string problem);
    }
}
