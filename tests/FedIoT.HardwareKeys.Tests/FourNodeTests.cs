using System.Globalization;
using FedIoT.Consensus;
using FedIoT.Gateway.Demo;
using FedIoT.Gateway.Tests;
using FedIoT.Signing;
using FedIoT.Signing.Atecc608;
using FedIoT.Signing.Pkcs11;
using FedIoT.Signing.Tests.Atecc608;
using FedIoT.Signing.Tests.Pkcs11;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>
/// The whole way with four nodes whose keys are in hardware: two in a SoftHSM2, one in a TPM (swtpm), one in a fake
/// ATECC608 that takes the data sheet's 60 ms for a signature. All in this process, because the fake chip lives here;
/// sockets, disks, MQTT and tokens are real. Beside it the same run with keys in files.
/// </summary>
public sealed class FourNodeTests(TpmMachine machine) : IClassFixture<TpmMachine>
{
    private const int Blocks = 50;

    // Three blocks a round at the least, when all gateways are ready at the same time; mostly five to seven.
    private static readonly int Rounds = int.TryParse(
        Environment.GetEnvironmentVariable("FEDIOT_HARDWARE_ROUNDS"), CultureInfo.InvariantCulture, out int rounds)
        ? rounds : 17;

    [Fact]
    public async Task FourNodes_WithKeysInHardware_TrainAndFinaliseFiftyBlocks()
    {
        machine.Require();
        using var hsm = new SoftHsm();
        using var chip = new FakeAtecc608(TimeProvider.System) { Watchdog = TimeSpan.FromHours(1) };
        List<ISigner> keys =
        [
            Pkcs11Signer.Create(hsm.NewKey(SignatureAlgorithm.Es256), TimeProvider.System),
            Pkcs11Signer.Create(hsm.NewKey(SignatureAlgorithm.Es256), TimeProvider.System),
            Pkcs11Signer.Open(machine.Options(), TimeProvider.System),
            Atecc608Signer.Create(new Atecc608Chip(chip.Chip, chip.WakeLine, TimeProvider.System), slot: 0),
        ];
        Assert.All(keys, k => Assert.Equal(SignatureAlgorithm.Es256, k.PublicKey.Algorithm));
        DemoReport hardware = await RunAsync(i => keys[i]);
        AssertSound(hardware);
        Assert.True(hardware.Height >= Blocks, $"{hardware.Height} blocks");
        Assert.True(chip.Signatures > Blocks, $"the chip signed {chip.Signatures} times");
        Assert.True(chip.Counter(0) >= 2, "the chip's counter did not move");
        Tell("keys in hardware", hardware);

        DemoReport software = await RunAsync(nodeKey: null);
        AssertSound(software);
        Tell("keys in files", software);
        Assert.Equal(software.ModelSha256, hardware.ModelSha256); // who signs changes nothing about what is learned
    }

    private static async Task<DemoReport> RunAsync(Func<int, ISigner>? nodeKey)
    {
        using var folder = new TemporaryFolder();
        var options = new DemoOptions { Rounds = Rounds, OutFolder = folder.Path, NodeKey = nodeKey };
        return await new DemoRunner(options, TimeProvider.System).RunAsync(
            new PlainView(TextWriter.Null, TimeProvider.System), TestContext.Current.CancellationToken);
    }

    private static void AssertSound(DemoReport report)
    {
        Assert.Empty(report.Problems);
        Assert.Equal(Rounds, report.Rounds);
        Assert.Single(report.StateRoots.Distinct());
        Assert.Equal(report.FramesPublished, report.FramesStored);
    }

    private static void Tell(string what, DemoReport report) => TestContext.Current.TestOutputHelper?.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{what}: {report.Height} blocks, {report.Rounds} rounds in {report.ElapsedSeconds:0.0} s, finality p50 "
            + $"{report.FinalityMsP50:0} ms, p95 {report.FinalityMsP95:0} ms"));
}
