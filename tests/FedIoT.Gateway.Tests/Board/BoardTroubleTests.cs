using System.Device.Gpio;
using System.Text;
using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Board;
using FedIoT.Gateway.Cli;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Operate;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace FedIoT.Gateway.Tests.Board;

/// <summary>The board beside a disk that fails, a part of the daemon that fails, and orders that make no sense.
/// </summary>
public sealed class BoardTroubleTests
{
    private const string Pins = "tamper_pin = 27\njoin_pin = 22\nlock_signing = true\n";

    [Fact]
    public async Task CaseOpenedWhileTheDiskFails_AlarmIsOnDiskAsSoonAsItCan()
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(Pins);
        await gateway.StartAsync();
        string alarm = Path.Combine(gateway.StateFolder, TamperRecord.FileName);
        Directory.CreateDirectory(Path.Combine(alarm + ".tmp", "in-the-way"));
        gateway.Pins.Levels[DaemonWithBoard.Lid] = PinValue.High;
        await gateway.WaitForStatusAsync(
            s => s.SigningIsLocked && s.Reasons.Any(IsAboutTheDisk), "the alarm stands in memory only");
        Assert.False(File.Exists(alarm));
        Directory.Delete(alarm + ".tmp", recursive: true);
        await gateway.WaitForStatusAsync(s => !s.Reasons.Any(IsAboutTheDisk), "the alarm is on disk");
        Assert.True(File.Exists(alarm));
        await gateway.StopAsync();
        gateway.Pins.Levels[DaemonWithBoard.Lid] = PinValue.Low; // closed again while it was off
        await gateway.StartAsync();
        Assert.True((await gateway.StatusAsync()).SigningIsLocked);
    }

    [Fact]
    public async Task BoardThatIsNotLookedAfterAnyMore_IsAReasonOfTheStatus()
    {
        await using DaemonWithBoard made = await DaemonWithBoard.CreateAsync(Pins);
        GatewayConfiguration configuration = GatewayConfigurationReader.Read(made.Configuration);
        Directory.CreateDirectory(made.StateFolder);
        await using GatewayBoard board = GatewayBoard.Open(
            configuration, new BoardHardware(() => new GpioController(made.Pins), _ => made.Chip), TimeProvider.System,
            NullLogger.Instance);
        Assert.Empty(board.Reasons());
        board.Show(() => throw new InvalidOperationException("made up"));
        await made.WaitUntilAsync(
            () => Task.FromResult(board.Reasons().Any(r => r.Contains("not looked after", StringComparison.Ordinal))),
            "the loop ended and says so");
    }

    [Theory]
    [InlineData("pump-07\\nforged 1970-01-01 alarm-cleared")]
    [InlineData("")]
    [InlineData("\\ud83d\\ude00")]
    public async Task Enrolment_OfWhatIsNoDeviceName_NeverReachesTheAuditLog(string name)
    {
        await using DaemonWithBoard gateway = await DaemonWithBoard.CreateAsync(Pins);
        await gateway.StartAsync();
        await gateway.PressAsync();
        using var client = new AdminClient(Path.Combine(gateway.StateFolder, "admin.sock"), "test");
        InputException error = await Assert.ThrowsAsync<InputException>(
            () => client.PostAsync(
                "v1/station/enrolment", Encoding.UTF8.GetBytes($"{{\"device\": \"{name}\"}}"),
                DaemonWithBoard.Cancellation));
        Assert.Contains("the body is not", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(
            AuditLog.Read(gateway.StateFolder), e => e.Kind == AuditKind.EnrolmentAllowed);
    }

    private static bool IsAboutTheDisk(string reason) =>
        reason.StartsWith("the alarm is not on disk", StringComparison.Ordinal);
}
