using FedIoT.Gateway.Admin;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>A key in a token as the node key of real processes: init, check, run.</summary>
public sealed class TokenKeyTests : IDisposable
{
    private readonly TokenGateway gateway = new();

    public void Dispose() => gateway.Dispose();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task InitCheckRun_KeyInAToken_IsTheNodeKey()
    {
        await gateway.InitAsync(0, "node");
        PublicPart part = PublicPart.Read(Path.Combine(gateway.FolderOf(0), PublicPart.FileName));
        Assert.Equal(SignatureAlgorithm.Es256, part.Key.Algorithm);
        Assert.False(File.Exists(Path.Combine(gateway.FolderOf(0), "keys", "node.key")));
        await using GatewayProcess daemon = (await gateway.MakeNetworkAsync(1))[0];
        string check = await gateway.VerbAsync("check", daemon.Configuration);
        Assert.Contains($"account {part.Key.Account}", check, StringComparison.Ordinal);
        await daemon.StartAsync();
        ChainStatusAnswer chain = (await daemon.TryReadChainAsync(Cancellation))!;
        Assert.Equal(part.Key.Account.ToString(), chain.Account);
    }

    [Fact]
    public async Task Check_WrongPin_SaysSoAtTheKeysPlaceAndNeverShowsIt()
    {
        await gateway.InitAsync(0, "node");
        await gateway.MakeNetworkAsync(1);
        gateway.Hsm.WritePin("canary-wrong-44");
        (int exitCode, string output, string error) = await gateway.TryVerbAsync("check", gateway.ConfigurationOf(0));
        Assert.Equal((2, string.Empty), (exitCode, output));
        Assert.Contains($"{gateway.ConfigurationOf(0)}:16:8: error: ", error, StringComparison.Ordinal);
        Assert.Contains($"it refused the PIN from file {gateway.Hsm.PinFile}", error, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeysTest_PinFromACredentialOrAVariable_OpensTheToken()
    {
        await gateway.VerbAsync("keys", "create", gateway.AddressOf("node"));
        string token = gateway.AddressOf("node").Split(";pin-file")[0];
        Dictionary<string, string> variables = new(gateway.Hsm.Variables)
        {
            ["CREDENTIALS_DIRECTORY"] = Path.GetDirectoryName(gateway.Hsm.PinFile)!,
            ["NODE_PIN"] = SoftHsm.Pin,
        };
        foreach (string source in (string[])["pin-credential=pin", "pin-env=NODE_PIN"])
        {
            (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync(
                variables, "keys", "test", $"{token};{source}", "--count", "2", "--block-time-ms", "60000");
            Assert.True(exitCode == 0, error);
            Assert.DoesNotContain(SoftHsm.Pin, output + error, StringComparison.Ordinal);
        }

        (int refused, _, string why) = await GatewayProcess.RunVerbAsync(
            gateway.Hsm.Variables, "keys", "test", $"{token};pin-credential=pin");
        Assert.Equal(1, refused);
        Assert.Contains("LoadCredential=", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_KeyThatIsNotThere_LeavesNothingThatTheNextTryTripsOver()
    {
        (int exitCode, _, string error) = await gateway.TryVerbAsync(
            "init", "--folder", gateway.FolderOf(0), "--node-key", gateway.AddressOf("node"));
        Assert.Equal(1, exitCode);
        Assert.Contains("0 private keys with this label", error, StringComparison.Ordinal);
        await gateway.InitAsync(0, "node");
        await gateway.InitWithAsync(0, gateway.AddressOf("node")); // repeated
        (exitCode, _, error) = await gateway.TryVerbAsync(
            "init", "--folder", gateway.FolderOf(0), "--chain-id", "token-test", "--node-key", "file:other.key");
        Assert.Equal(2, exitCode);
        Assert.Contains("another key is another gateway", error, StringComparison.Ordinal);
    }
}
