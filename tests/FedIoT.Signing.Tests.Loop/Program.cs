using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using FedIoT.Consensus;
using FedIoT.Signing;
using FedIoT.Storage.Chain;
using FedIoT.Storage.Files;
using FedIoT.Wire;

// Asks a guarded key for contradictory votes until it is killed: for every step both of two blocks, in random order,
// beginning again at the height that was signed last. What the guard gives out goes to standard output, a line each.
// Arguments: folder with node.key, seed.
string folder = args[0];

// The parent holds the other end of standard input: when it is gone, so is the reason to sign.
new Thread(static () =>
{
    Console.OpenStandardInput().ReadByte();
    Environment.Exit(4);
})
{ IsBackground = true }.Start();
var random = new SplitMix64(ulong.Parse(args[1], CultureInfo.InvariantCulture));
using Ed25519Signer signer = Ed25519Signer.Open(Path.Combine(folder, "node.key"));
SignStateLog state;
try
{
    state = SignStateLog.Open(Path.Combine(folder, "sign"), signer.PublicKey.Account);
}
catch (StorageException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}

var guard = new GuardedSigner(signer, state, "kill-loop");
using Stream output = Console.OpenStandardOutput();
for (long height = state.Last?.Height.Value ?? 1; ; height++)
{
    for (int step = 0; step < 4; step++)
    {
        int first = random.Next(2);
        for (int choice = 0; choice < 2; choice++)
        {
            var vote = new Vote(
                step % 2 == 0 ? VoteType.Prevote : VoteType.Precommit, new Height(height), step / 2,
                BlockOf(height, first ^ choice), signer.PublicKey.Account);
            if (guard.TrySign(vote) is { } signed)
            {
                output.Write(Encoding.ASCII.GetBytes(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{height} {step} {first ^ choice} {Convert.ToHexStringLower(signed.Signature.Span)}\n")));
            }
        }
    }
}

static Hash256 BlockOf(long height, int choice)
{
    Span<byte> name = stackalloc byte[9];
    BinaryPrimitives.WriteInt64BigEndian(name, height);
    name[8] = (byte)choice;
    return Hash256.Of(name);
}
