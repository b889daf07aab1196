using System.Device.Gpio;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Station;
using FedIoT.Wire;
using FedIoT.Wire.Frames;
using MQTTnet;
using MQTTnet.Formatter;
using Xunit;

namespace FedIoT.Gateway.Tests.Board;

/// <summary>What the gateway's own board does to the daemon, and the daemon to the board.</summary>
public sealed class BoardDaemonTests
{
    private const string AllPins = "led_pin = 17\ntamper_pin = 27\njoin_pin = 22\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_NoHardwareAtAll_ServesAndSaysWhatIsMissing()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(AllPins + "clock_bus = 1");
        await gateway.StartAsync(new BoardHardware(
            () => throw new PlatformNotSupportedException("no GPIO chip here"),
            bus => throw new IOException($"no /dev/i2c-{bus}")));
        await gateway.WaitForStatusAsync(s => s.IsRegistered && s.Height > 2, "registered");
        StatusAnswer status = await gateway.StatusAsync();
        Assert.Equal("degraded", status.State);
        Assert.Collection(
            status.Reasons,
            r => Assert.Equal("GPIO is left out: no GPIO chip here", r),
            r => Assert.Equal("the clock chip on I2C bus 1 is left out: no /dev/i2c-1", r));
        Assert.All(status.Reasons, r => Assert.Contains(gateway.Log, l => l.Contains(r, StringComparison.Ordinal)));
        string[] enrol = ["devices", "enrol", "pump-07", "--config", gateway.Configuration];
        await AssertRefusedAsync("the join button does not work", enrol);
        await gateway.StopAsync();
        await GatewayProcessNetwork.VerbAsync(enrol);
    }

    [Fact]
    public async Task Light_FollowsTheNode_AndABrokenSwitchOnlyDegrades()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(AllPins);
        await gateway.StartAsync();
        await gateway.WaitForLightAsync("healthy");
        Assert.Equal("ok", (await gateway.StatusAsync()).State);
        gateway.Pins.Broken[DaemonWithBoard.Lid] = true;
        await gateway.WaitForLightAsync("degraded");
        string reason = Assert.Single((await gateway.StatusAsync()).Reasons);
        Assert.StartsWith("the lid switch is left out", reason, StringComparison.Ordinal);
        var pins = gateway.Pins;
        await gateway.StopAsync();
        Assert.Equal(PinValue.Low, pins.Levels[DaemonWithBoard.Led]);
    }

    [Fact]
    public async Task CaseOpened_UnderTheLockPolicy_NothingIsSignedOverARestartUntilItIsCleared()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(AllPins + "lock_signing = true");
        await gateway.StartAsync();
        await gateway.WaitForStatusAsync(s => s.State == "ok" && s.Height > 2, "ok");
        gateway.Pins.Levels[DaemonWithBoard.Lid] = PinValue.High;
        await gateway.WaitForStatusAsync(s => s is { SigningIsLocked: true, CaseOpenedAt: not null }, "locked");
        await gateway.WaitForLightAsync("tamper");
        await WaitForRefusedSignatureAsync(gateway, after: 0);
        long height = (await gateway.StatusAsync()).Height;

        await gateway.StopAsync();
        int lines = gateway.Log.Count;
        await gateway.StartAsync();
        await WaitForRefusedSignatureAsync(gateway, lines);
        StatusAnswer status = await gateway.StatusAsync();
        Assert.Equal((height, true, "degraded"), (status.Height, status.SigningIsLocked, status.State));
        Assert.Contains(status.Reasons, r => r.EndsWith("fediot station clear-alarm", StringComparison.Ordinal));

        RunFailedException refusal =
            await Assert.ThrowsAsync<RunFailedException>(() => gateway.OrderAsync("clear-alarm"));
        Assert.Contains("the case is open", refusal.Message, StringComparison.Ordinal);
        gateway.Pins.Levels[DaemonWithBoard.Lid] = PinValue.Low;
        await gateway.WaitUntilAsync(() => TryAsync(() => gateway.OrderAsync("clear-alarm")), "cleared");
        await gateway.WaitForStatusAsync(s => s.Height > height + 1 && s.State == "ok", "signs again");
        await gateway.StopAsync();
        Assert.Equal(
            [
                AuditKind.Started, AuditKind.SigningLocked, AuditKind.CaseOpened, AuditKind.Started,
                AuditKind.SigningLocked, AuditKind.CaseOpened, AuditKind.AlarmCleared,
            ],
            AuditLog.Read(gateway.StateFolder).Select(e => e.Kind));
        string shown = await GatewayProcessNetwork.VerbAsync("audit", "log", "--config", gateway.Configuration);
        Assert.Contains("alarm-cleared", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CaseOpened_WithoutThePolicy_AlarmsAndGoesOnSigning()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(AllPins);
        await gateway.StartAsync();
        gateway.Pins.Levels[DaemonWithBoard.Lid] = PinValue.High;
        await gateway.WaitForStatusAsync(s => s.CaseOpenedAt is not null, "alarm");
        long height = (await gateway.StatusAsync()).Height;
        await gateway.WaitForStatusAsync(s => s.Height > height + 1, "signs on");
        (int exitCode, string text, _) =
            await GatewayProcess.RunVerbAsync("status", "--config", gateway.Configuration);
        Assert.Equal(1, exitCode);
        Assert.Contains("ALARM, case opened", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task JoinButton_DeviceInTheWindow_IsEnrolledByTheKeyThatItProved()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(AllPins);
        await gateway.StartAsync();
        string keyFile = gateway.PathOf("label.key");
        DeviceKeyFile.TryCreate(keyFile);
        string[] verb = ["devices", "enrol", "pump-07", "--key-file", keyFile, "--config", gateway.Configuration];
        await AssertRefusedAsync("the join window is closed", verb);
        await AssertRefusedAsync("the join window is closed", [.. verb[..3], .. verb[5..]]);

        await gateway.PressAsync();
        await AssertRefusedAsync("no device 'pump-07' presented itself", verb);
        await PresentAsync(gateway, "pump-07", DeviceKeyFile.Read(keyFile, out _)!);
        Assert.Equal(["pump-07"], (await gateway.StationAsync()).Presented);
        string otherKey = gateway.PathOf("other.key");
        DeviceKeyFile.TryCreate(otherKey);
        await AssertRefusedAsync("holds another key", [.. verb[..4], otherKey, .. verb[5..]]);

        await GatewayProcessNetwork.VerbAsync(verb);
        Assert.Equal(
            new DeviceId("pump-07"), Assert.Single(GatewayConfigurationReader.Read(gateway.Configuration).Devices).Id);
        Assert.Equal(
            await File.ReadAllBytesAsync(keyFile, Cancellation),
            await File.ReadAllBytesAsync(gateway.PathOf("g/devices/pump-07.key"), Cancellation));
        await gateway.StopAsync();
        await GatewayProcessNetwork.VerbAsync("devices", "enrol", "pump-08", "--config", gateway.Configuration);
        Assert.Contains(AuditLog.Read(gateway.StateFolder), e => e.Kind == AuditKind.EnrolmentAllowed);
    }

    [Fact]
    public async Task SystemClockBehindTheChip_BlockTimeIsTheChipsAndTheStatusSaysSo()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync("clock_bus = 1");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        Ds3231Time.Encode(now, gateway.Chip.Registers);
        gateway.Time = new OffsetTime(new DateTimeOffset(1970, 1, 2, 0, 0, 0, TimeSpan.Zero) - now);
        await gateway.StartAsync();
        await gateway.WaitForStatusAsync(s => s.Height > 2, "blocks");
        StatusAnswer status = await gateway.StatusAsync();
        Assert.Equal(("degraded", "chip"), (status.State, status.TimeSource));
        Assert.Contains("1970-01-02", Assert.Single(status.Reasons), StringComparison.Ordinal);
        Assert.InRange(status.BlockTime, now.ToUnixTimeMilliseconds() - 1000, now.ToUnixTimeMilliseconds() + 600_000);
        RunFailedException refusal =
            await Assert.ThrowsAsync<RunFailedException>(() => gateway.OrderAsync("set-clock"));
        Assert.Contains("set the system's clock first", refusal.Message, StringComparison.Ordinal);
        await gateway.StopAsync();
        Assert.Equal(
            [AuditKind.Started, AuditKind.ClockBehind], AuditLog.Read(gateway.StateFolder).Select(e => e.Kind));
    }

    [Fact]
    public async Task StoppedChip_DegradesUntilItIsSet()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync("clock_bus = 1");
        gateway.Chip.Registers[0x0F] = 0x80;
        await gateway.StartAsync();
        await gateway.WaitForStatusAsync(s => s.IsRegistered, "registered");
        Assert.Contains(
            "fediot station set-clock", Assert.Single((await gateway.StatusAsync()).Reasons), StringComparison.Ordinal);
        StationAnswer set = await gateway.OrderAsync("set-clock");
        Assert.Empty(set.Problems);
        Assert.Equal("ok", (await gateway.StatusAsync()).State);
        Assert.True(Ds3231Time.TryDecode(gateway.Chip.Registers.AsSpan(0, Ds3231Time.Bytes), out DateTimeOffset time));
        Assert.InRange(
            (TimeProvider.System.GetUtcNow() - time).TotalSeconds, -1, 60);
    }

    [Theory]
    [InlineData("00000007010100", "says 2000-01-01")] // runs from its own birth: never set
    [InlineData("00000001010126", "as a floor it is too low")] // a year that was right once
    [InlineData("FFFFFFFFFFFFFF", "hold no time")]
    [InlineData("000000000000F0", "hold no time")]
    public async Task ClockChipWithAWrongTime_DegradesSaysTheNextStepAndGoesOn(string registers, string expected)
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync("clock_bus = 1");
        Convert.FromHexString(registers).CopyTo(gateway.Chip.Registers, 0);
        await gateway.StartAsync();
        await gateway.WaitForStatusAsync(s => s.IsRegistered && s.Height > 2, "blocks");
        StatusAnswer status = await gateway.StatusAsync();
        Assert.Equal(("degraded", "system"), (status.State, status.TimeSource));
        string reason = Assert.Single(status.Reasons);
        Assert.Contains(expected, reason, StringComparison.Ordinal);
        Assert.EndsWith("fediot station set-clock", reason, StringComparison.Ordinal);
        Assert.Contains(gateway.Log, l => l.Contains(reason, StringComparison.Ordinal));
        Assert.Empty((await gateway.OrderAsync("set-clock")).Problems);
        Assert.Equal("ok", (await gateway.StatusAsync()).State);
    }

    [Fact]
    public async Task ClockChipThatDoesNotAcknowledge_DegradesAndIsFoundLater()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync("clock_bus = 1");
        gateway.Chip.IsMissing = true;
        await gateway.StartAsync();
        await gateway.WaitForStatusAsync(s => s.IsRegistered && s.Height > 2, "blocks");
        Assert.Contains(
            "does not answer", Assert.Single((await gateway.StatusAsync()).Reasons), StringComparison.Ordinal);
        RunFailedException refusal =
            await Assert.ThrowsAsync<RunFailedException>(() => gateway.OrderAsync("set-clock"));
        Assert.Contains("does not answer", refusal.Message, StringComparison.Ordinal);
        gateway.Chip.IsMissing = false;
        Assert.Empty((await gateway.OrderAsync("set-clock")).Problems);
        Assert.Equal("ok", (await gateway.StatusAsync()).State);
    }

    private static async Task AssertRefusedAsync(string reason, string[] verb)
    {
        (int exitCode, _, string error) = await GatewayProcess.RunVerbAsync(verb);
        Assert.Equal(1, exitCode);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    // A device that is not enrolled connects as every device does, and is refused.
    private static async Task PresentAsync(DaemonWithBoard gateway, string name, byte[] key)
    {
        using IMqttClient client = new MqttClientFactory().CreateMqttClient();
        MqttClientOptions options = new MqttClientOptionsBuilder()
            .WithTcpServer(gateway.Mqtt.Address.ToString(), gateway.Mqtt.Port)
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId(name).WithCredentials(name, DeviceCredentials.Password(key)).Build();
        MqttClientConnectResult result = await client.ConnectAsync(options, Cancellation);
        Assert.Equal(MqttClientConnectResultCode.BadUserNameOrPassword, result.ResultCode);
    }

    private static Task WaitForRefusedSignatureAsync(DaemonWithBoard gateway, int after) => gateway.WaitUntilAsync(
        () => Task.FromResult(gateway.Log.Skip(after).Any(
            l => l.Contains("Signing is locked", StringComparison.Ordinal))),
        "a signature was refused");

    private static async Task<bool> TryAsync(Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (RunFailedException)
        {
            return false;
        }
    }

    private sealed class OffsetTime(TimeSpan offset) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;
    }
}
