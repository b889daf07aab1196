using FedIoT.Consensus;
using FedIoT.Gateway.Training;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using FedIoT.Wire.Transactions;
using Xunit;

namespace FedIoT.Gateway.Tests.Operate;

/// <summary>The file of a training key that takes another one's place, whatever the disk and the file are.</summary>
public sealed class TrainingKeysTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly Ed25519Signer node = Ed25519Signer.FromSeed(new byte[32]);

    private string KeyFile => folder.File("training.key");

    public void Dispose()
    {
        node.Dispose();
        folder.Dispose();
    }

    [Fact]
    public void Wanted_KeyFileWithAPassphrase_MakesTheNextFileWithItToo()
    {
        string file = folder.File("passphrase");
        File.WriteAllText(file, "canary-passphrase-61\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        SecretSource passphrase = SecretSource.File(file);
        using Ed25519Signer configured = Ed25519Signer.Create(KeyFile, passphrase);
        LedgerState state = StateThatLost(configured.PublicKey);
        VerifyingKey? made;
        using (var keys = new TrainingKeys(configured, KeyFile, rounds: 2, key => key, passphrase))
        {
            made = keys.Wanted(state, node.PublicKey.Account);
        }

        Assert.NotNull(made);
        Assert.Throws<SignerException>(() => Ed25519Signer.Open(KeyFile + ".next")); // not without it
        using (Ed25519Signer next = Ed25519Signer.Open(KeyFile + ".next", passphrase))
        {
            Assert.Equal(made, next.PublicKey);
        }

        using var again = new TrainingKeys(configured, KeyFile, rounds: 2, key => key, passphrase); // a restart
        Assert.Equal(made, again.Wanted(state, node.PublicKey.Account));
    }

    // The chain has a key that is nowhere any more, and remembers the configured one: a next one has to be made.
    private LedgerState StateThatLost(VerifyingKey configured)
    {
        using Ed25519Signer lost = Ed25519Signer.FromSeed([.. Enumerable.Repeat((byte)7, 32)]);
        var genesis = new Genesis(
            "training-keys", [new GenesisValidator(node.PublicKey, 1)], [node.PublicKey], [node.PublicKey]);
        LedgerState state = LedgerState.FromGenesis(genesis);
        ulong nonce = 0;
        foreach (VerifyingKey key in (VerifyingKey[])[configured, lost.PublicKey])
        {
            byte[] payload = TransactionCodec.EncodePayload(
                genesis.ChainId, ++nonce, new RegisterTrainingKey(key));
            var signature = new byte[VerifyingKey.SignatureLength];
            node.Sign(CoseSign1.SignBytes(node.PublicKey, TransactionCodec.Role, payload), signature);
            (state, _) = state.Execute(
                state.Height.Next, node.PublicKey.Account,
                [CoseSign1.Assemble(node.PublicKey, payload, signature)]);
        }

        Assert.Equal(lost.PublicKey, state.FindAccount(node.PublicKey.Account)!.TrainingKey);
        return state;
    }
}
