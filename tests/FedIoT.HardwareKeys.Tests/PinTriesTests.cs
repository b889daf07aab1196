using FedIoT.Gateway.Tests.Operate;
using FedIoT.Signing.Tests.Pkcs11;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>A wrong PIN and a token that counts tries without saying so: how many of them the verbs take.</summary>
public sealed class PinTriesTests : IDisposable
{
    private readonly FaultyToken token = new();

    private string Address =>
        $"pkcs11:module={token.ModulePath};token=t1;key=node;pin-file={token.Hsm.PinFile}";

    public void Dispose() => token.Dispose();

    [Fact]
    public async Task WrongPin_ThroughManyVerbs_IsSentOnceUntilAnotherOneStandsThere()
    {
        await VerbAsync(0, "keys", "create", Address);
        token.Set(("no_pin_flags", 1));
        token.Hsm.WritePin("canary-wrong-90");
        long before = token.Logins;
        await VerbAsync(1, "keys", "test", Address);
        string error = await VerbAsync(1, "keys", "test", Address);
        Assert.Contains("not sent again", error, StringComparison.Ordinal);
        await VerbAsync(1, "keys", "create", Address.Replace("key=node", "key=other", StringComparison.Ordinal));
        await VerbAsync(1, "init", "--folder", Path.Combine(token.Hsm.Tokens, "gateway"), "--node-key", Address);
        Assert.Equal(before + 1, token.Logins);

        string mark = Assert.Single(Directory.GetFiles(
            Path.Combine(token.Variables["XDG_STATE_HOME"], "fediot", "refused-pins")));
        Assert.Contains(mark, error, StringComparison.Ordinal); // so that somebody can take it away
        string kept = await File.ReadAllTextAsync(mark, Cancellation);
        Assert.DoesNotContain("canary", kept + error, StringComparison.Ordinal);

        token.Hsm.WritePin(SoftHsm.Pin);
        await VerbAsync(0, "keys", "test", Address, "--count", "2", "--block-time-ms", "60000");
        Assert.False(File.Exists(mark));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private async Task<string> VerbAsync(int expected, params string[] arguments)
    {
        (int exitCode, string output, string error) = await GatewayProcess.RunVerbAsync(token.Variables, arguments);
        Assert.True(exitCode == expected, $"fediot {string.Join(' ', arguments)} gave {exitCode}: {error}{output}");
        return error;
    }
}
