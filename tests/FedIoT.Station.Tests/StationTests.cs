using System.Device.Gpio;

namespace FedIoT.Station.Tests;

public sealed class StationTests : IDisposable
{
    private const int Led = 17;
    private const int Lid = 27;
    private const int Button = 22;

    private readonly FakePins pins = new();
    private readonly GpioController controller;
    private TimeSpan now = TimeSpan.FromHours(1);

    public StationTests()
    {
        controller = new GpioController(pins);
        pins.Levels[Button] = PinValue.High;
    }

    private static StationOptions AllParts => new() { LedPin = Led, TamperPin = Lid, JoinPin = Button };

    public void Dispose() => controller.Dispose();

    [Fact]
    public void Step_LidOpened_IsOneEventAnAlarmAndTheFastLight()
    {
        using GatewayStation station = Open(AllParts);
        Assert.Empty(Run(station, 10));
        pins.Levels[Lid] = PinValue.High;
        Assert.Equal([StationEvent.CaseOpened], Run(station, 10));
        Assert.True(station.IsTampered);
        Assert.False(station.TryAcknowledgeTamper());
        pins.Levels[Lid] = PinValue.Low;
        Assert.Empty(Run(station, 10));
        Assert.True(station.IsTampered);
        Assert.InRange(LightChanges(station, 40), 15, 25); // 50 ms steps, every 100 ms
        Assert.True(station.TryAcknowledgeTamper());
        Assert.False(station.IsTampered);
    }

    [Fact]
    public void Step_LidOpenAtStart_IsAnEvent()
    {
        pins.Levels[Lid] = PinValue.High;
        using GatewayStation station = Open(AllParts);
        Assert.Equal([StationEvent.CaseOpened], Run(station, 5));
        Assert.True(station.IsTampered);
    }

    [Fact]
    public void Step_ButtonPressed_OpensTheWindowForTenMinutes()
    {
        using GatewayStation station = Open(AllParts);
        Run(station, 5);
        Press(station, TimeSpan.FromSeconds(1), [StationEvent.JoinWindowOpened]);
        Assert.True(station.IsJoinWindowOpen(now));
        Assert.True(station.IsJoinWindowOpen(now + TimeSpan.FromMinutes(9.9)));
        Assert.False(station.IsJoinWindowOpen(now + TimeSpan.FromMinutes(10)));
    }

    [Theory]
    [InlineData(100)] // a brush
    [InlineData(11_000)] // something leans on it
    public void Step_PressTooShortOrTooLong_OpensNothing(int milliseconds)
    {
        using GatewayStation station = Open(AllParts);
        Run(station, 5);
        Press(station, TimeSpan.FromMilliseconds(milliseconds), []);
        Assert.False(station.IsJoinWindowOpen(now));
    }

    [Theory]
    [InlineData(Led)]
    [InlineData(Lid)]
    [InlineData(Button)]
    public void Step_PartBreaks_IsReportedOnceAndTheOthersGoOn(int broken)
    {
        using GatewayStation station = Open(AllParts);
        Run(station, 5);
        pins.Broken[broken] = true;
        Run(station, 20);
        Assert.Contains("is left out", Assert.Single(station.Problems), StringComparison.Ordinal);
        if (broken != Lid)
        {
            pins.Levels[Lid] = PinValue.High;
            Assert.Equal([StationEvent.CaseOpened], Run(station, 10));
        }
    }

    [Fact]
    public void Acknowledge_SwitchBrokeWhileOpen_EndsTheAlarm()
    {
        using GatewayStation station = Open(AllParts);
        pins.Levels[Lid] = PinValue.High;
        Run(station, 10);
        pins.Broken[Lid] = true;
        Run(station, 2);
        Assert.True(station.IsTampered);
        Assert.True(station.TryAcknowledgeTamper());
        Assert.False(station.IsTampered);
    }

    [Fact]
    public void Dispose_PutsTheLightOut()
    {
        GatewayStation station = Open(AllParts);
        Run(station, 5);
        Assert.Equal(PinValue.High, pins.Levels[Led]);
        station.Dispose();
        Assert.Equal(PinValue.Low, pins.Levels[Led]);
    }

    [Fact]
    public void Open_PartBrokenFromTheStart_IsLeftOut()
    {
        pins.Broken[Led] = true;
        using GatewayStation station = Open(AllParts);
        Assert.Single(station.Problems);
        pins.Levels[Lid] = PinValue.High;
        Assert.Equal([StationEvent.CaseOpened], Run(station, 10));
    }

    [Fact]
    public void Open_NoGpioAtAll_DegradesWithAMessage()
    {
        using var station = new GatewayStation(
            AllParts, () => throw new PlatformNotSupportedException("no GPIO chip here"), null, now);
        Assert.Contains("no GPIO chip here", Assert.Single(station.Problems), StringComparison.Ordinal);
        Assert.Empty(Run(station, 5));
        Assert.False(station.IsTampered);
    }

    [Fact]
    public void Open_GpioLibraryMissing_NamesThePackage()
    {
        using var station = new GatewayStation(
            AllParts,
            () => throw new PlatformNotSupportedException("outer", new DllNotFoundException("a screen long")),
            null, now);
        Assert.Contains("package is libgpiod2", Assert.Single(station.Problems), StringComparison.Ordinal);
        Assert.False(station.HasJoinButton);
        using var other = new GatewayStation(
            AllParts, () => throw new IOException("outer", new UnauthorizedAccessException("inner")), null, now);
        Assert.Equal("GPIO is left out: outer: inner", Assert.Single(other.Problems));
    }

    [Fact]
    public void Open_NothingConfigured_TouchesNothing()
    {
        using var station = new GatewayStation(
            new StationOptions(), () => throw new InvalidOperationException("must not be opened"), null, now);
        Assert.Empty(Run(station, 5));
        Assert.Empty(station.Problems);
    }

    [Fact]
    public void LedPattern_EveryHealth_LooksDifferent()
    {
        StationHealth[] all = Enum.GetValues<StationHealth>();
        string[] drawn = [.. all.Select(Draw)];
        Assert.Equal(all.Length, drawn.Distinct().Count());
        Assert.All(drawn, d => Assert.Equal(2, d.Distinct().Count())); // on and off

        static string Draw(StationHealth health) => string.Concat(Enumerable.Range(0, 40).Select(
            i => LedPattern.IsOn(health, LedPattern.Resolution * i) ? '#' : '.'));
    }

    [Fact]
    public void Debounce_Bounces_GiveOneEdge()
    {
        var input = new DebouncedInput(false, TimeSpan.Zero);
        int edges = 0;
        for (int ms = 1; ms < 200; ms++)
        {
            bool level = ms < 15 ? ms % 3 == 0 : true; // 15 ms of bouncing, then closed
            edges += input.Sample(level, TimeSpan.FromMilliseconds(ms)) ? 1 : 0;
            Assert.True(!input.IsActive || ms >= 45 - 1);
        }

        Assert.Equal(1, edges);
        Assert.False(input.Sample(false, TimeSpan.FromMilliseconds(200)));
        Assert.False(input.Sample(true, TimeSpan.FromMilliseconds(210)));
        Assert.True(input.IsActive); // a dip of 10 ms is nothing
    }

    private GatewayStation Open(StationOptions options) => new(options, () => controller, null, now);

    private List<StationEvent> Run(GatewayStation station, int steps)
    {
        var events = new List<StationEvent>();
        for (int i = 0; i < steps; i++)
        {
            events.AddRange(station.Step(StationHealth.Healthy, now));
            now += LedPattern.Resolution;
        }

        return events;
    }

    private void Press(GatewayStation station, TimeSpan duration, StationEvent[] expected)
    {
        pins.Levels[Button] = PinValue.Low;
        Run(station, (int)(duration / LedPattern.Resolution));
        pins.Levels[Button] = PinValue.High;
        Assert.Equal(expected, Run(station, 5));
    }

    private int LightChanges(GatewayStation station, int steps)
    {
        int changes = 0;
        for (int i = 0; i < steps; i++)
        {
            PinValue before = pins.Levels[Led];
            Run(station, 1);
            changes += before == pins.Levels[Led] ? 0 : 1;
        }

        return changes;
    }
}
