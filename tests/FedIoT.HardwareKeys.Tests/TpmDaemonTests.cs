using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>
/// A real daemon with its key in a TPM (swtpm, tpm2-abrmd, tpm2-pkcs11) and the PIN sealed to the state of a PCR, as
/// the key ceremony has it: the TPM dies and comes back, and a machine that booted something else gets no PIN.
/// </summary>
public sealed class TpmDaemonTests(TpmMachine machine) : IClassFixture<TpmMachine>, IDisposable
{
    private TokenGateway? made;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => made?.Dispose();

    [Fact]
    public async Task TpmKilledThenOtherBoot_NodeDegradesAndRecoversEachTime()
    {
        machine.Require();
        made = new TokenGateway(machine.Variables);
        machine.SealPin();
        machine.UnsealPin();
        await made.InitWithAsync(
            0, $"pkcs11:module={machine.Options().ModulePath};token=fediot;key={TpmMachine.KeyLabel};pin-file="
            + machine.PinFile);
        await using GatewayProcess daemon = (await made.MakeNetworkAsync(1))[0];
        await daemon.StartAsync();
        await WaitForBlocksAsync(daemon);

        machine.KillTpm(); // the chip and its resource manager, as when the service restarts
        StatusAnswer status = await WaitForSignerAsync(daemon, "degraded");
        Assert.Equal("Absent", status.Signer.Fault);
        machine.StartTpm();
        await WaitForSignerAsync(daemon, "ok");
        await WaitForBlocksAsync(daemon);

        await daemon.SignalAsync("TERM");
        await daemon.WaitForExitAsync(TimeSpan.FromSeconds(60));
        machine.ExtendPcr(); // something else was booted
        Assert.False(machine.UnsealPin());
        await daemon.StartAsync();
        status = await WaitForSignerAsync(daemon, "degraded");
        Assert.Equal("PinMissing", status.Signer.Fault);
        Assert.Equal(0, status.PeersConnected);

        machine.KillTpm(); // the right boot: the PCRs begin anew
        machine.StartTpm();
        Assert.True(machine.UnsealPin());
        await WaitForSignerAsync(daemon, "ok");
        await WaitForBlocksAsync(daemon);
    }

    private static async Task<StatusAnswer> WaitForSignerAsync(GatewayProcess daemon, string state)
    {
        StatusAnswer? last = null;
        await TokenGateway.WaitUntilAsync(
            async () => (last = await daemon.TryReadAsync(
                "v1/status", AdminJson.Default.StatusAnswer, Cancellation))?.Signer.State == state,
            $"signer {state}", daemon);
        return last!;
    }

    private static async Task WaitForBlocksAsync(GatewayProcess daemon)
    {
        long height = (await daemon.TryReadChainAsync(Cancellation))?.Height ?? 0;
        await TokenGateway.WaitUntilAsync(
            async () => (await daemon.TryReadChainAsync(Cancellation))?.Height >= height + 3, "three blocks", daemon);
    }
}
