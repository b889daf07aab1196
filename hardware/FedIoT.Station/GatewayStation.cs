using System.Device.Gpio;

namespace FedIoT.Station;

/// <summary>
/// The gateway's own board: light, lid switch, button, clock. Every part is optional; a part that is absent or fails
/// is reported once and left out, and the gateway goes on.
/// </summary>
/// <remarks>Not thread-safe: one task calls <see cref="Step"/> every <see cref="LedPattern.Resolution"/>. No member
/// throws because of hardware.</remarks>
public sealed class GatewayStation : IDisposable
{
    private readonly GpioController? gpio;
    private readonly List<string> problems = [];
    private int? ledPin;
    private int? tamperPin;
    private int? joinPin;
    private StationHealth health;
    private TimeSpan healthSince;
    private TamperSwitch? tamper;
    private JoinButton? join;

    /// <summary>Opens the parts.</summary>
    /// <param name="options">Which parts there are.</param>
    /// <param name="openGpio">Opens the pins' controller; called when a pin is configured. May throw.</param>
    /// <param name="clock">The clock; null without one. Disposed with the station.</param>
    /// <param name="now">Monotonic time.</param>
    public GatewayStation(StationOptions options, Func<GpioController> openGpio, Ds3231Clock? clock, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(openGpio);
        Clock = clock;
        healthSince = now;
        if (options is { LedPin: null, TamperPin: null, JoinPin: null })
        {
            return;
        }

        GpioController? opened = null;
        Attempt("GPIO", () => opened = openGpio());
        gpio = opened;
        ledPin = Open(options.LedPin, "the status light", PinMode.Output);
        tamperPin = Open(options.TamperPin, "the lid switch", PinMode.InputPullUp);
        joinPin = Open(options.JoinPin, "the join button", PinMode.InputPullUp);
    }

    /// <summary>The real-time clock; null without one.</summary>
    public Ds3231Clock? Clock { get; }

    /// <summary>What is broken, for the node's status; empty when every configured part works.</summary>
    public IReadOnlyList<string> Problems => problems;

    /// <summary>The case was opened and nobody acknowledged it.</summary>
    public bool IsTampered => tamper?.IsAlarmed ?? false;

    /// <summary>False without a join button, and when it is left out.</summary>
    public bool HasJoinButton => joinPin is not null;

    /// <summary>Whether devices may join.</summary>
    /// <param name="now">Monotonic time.</param>
    public bool IsJoinWindowOpen(TimeSpan now) => join?.IsWindowOpen(now) ?? false;

    /// <summary>Ends the alarm; false while the lid is open. A switch that broke cannot keep it up.</summary>
    public bool TryAcknowledgeTamper()
    {
        tamper = tamperPin is null ? null : tamper;
        return tamper?.TryAcknowledge() ?? true;
    }

    /// <summary>Looks at the inputs and drives the light.</summary>
    /// <param name="shown">What the daemon wants to show; an alarm takes precedence.</param>
    /// <param name="now">Monotonic time.</param>
    /// <returns>What happened since the last step.</returns>
    public IReadOnlyList<StationEvent> Step(StationHealth shown, TimeSpan now)
    {
        var events = new List<StationEvent>(2);
        if (Read(ref tamperPin, "the lid switch") is { } isOpen)
        {
            bool opened = tamper is null ? isOpen : tamper.Sample(isOpen, now);
            tamper ??= new TamperSwitch(isOpen, now);
            AddIf(opened, StationEvent.CaseOpened);
        }

        if (Read(ref joinPin, "the join button") is { } isReleased)
        {
            join ??= new JoinButton(!isReleased, now);
            AddIf(join.Sample(!isReleased, now), StationEvent.JoinWindowOpened);
        }

        Show(IsTampered ? StationHealth.Tamper : shown, now);
        return events;

        void AddIf(bool happened, StationEvent what)
        {
            if (happened)
            {
                events.Add(what);
            }
        }
    }

    /// <summary>Puts the light out, releases the pins and the bus.</summary>
    public void Dispose()
    {
        if (ledPin is { } pin)
        {
            Attempt("the status light", () => gpio?.Write(pin, PinValue.Low)); // a light left on would say "healthy"
        }

        Attempt("GPIO", () => gpio?.Dispose());
        Clock?.Dispose();
    }

    private void Show(StationHealth shown, TimeSpan now)
    {
        if (shown != health)
        {
            health = shown;
            healthSince = now;
        }

        if (ledPin is { } pin && !Attempt(
            "the status light", () => gpio?.Write(pin, LedPattern.IsOn(health, now - healthSince))))
        {
            ledPin = null;
        }
    }

    private int? Open(int? pin, string part, PinMode mode) =>
        pin is { } number && gpio is not null && Attempt(part, () => gpio.OpenPin(number, mode)) ? number : null;

    // A contact to ground with a pull-up: high is open. Null when there is no such part, or not any more.
    private bool? Read(ref int? pin, string part)
    {
        if (pin is not { } number)
        {
            return null;
        }

        bool isHigh = false;
        if (!Attempt(part, () => isHigh = gpio?.Read(number) == PinValue.High))
        {
            pin = null;
            return null;
        }

        return isHigh;
    }

    // The library wraps what happened; of a shared library that is not there the loader's text is a screen long.
    private static string Reason(Exception e)
    {
        Exception inner = e.GetBaseException();
        return inner is DllNotFoundException
            ? "the shared library libgpiod is not installed; Debian's package is libgpiod2, from Debian 13 on libgpiod3"
            : inner == e ? e.Message : $"{e.Message}: {inner.Message}";
    }

    // The GPIO library reports a missing chip, a busy pin and a failing line by exceptions of many types.
    private bool Attempt(string part, Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (
            e is IOException or InvalidOperationException or UnauthorizedAccessException or NotSupportedException
                or ArgumentException or DllNotFoundException or TypeInitializationException)
        {
            problems.Add($"{part} is left out: {Reason(e)}");
            return false;
        }
    }
}
