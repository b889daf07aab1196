using System.Globalization;
using FedIoT.Consensus;
using FedIoT.Storage.Chain;
using FedIoT.Wire;
using FedIoT.Wire.Cose;
using Xunit;

namespace FedIoT.Signing.Tests.Guard;

/// <summary>A real process that signs, killed at random points, over and over.</summary>
public sealed class KillTests : IDisposable
{
    private const int Workers = 4; // they mostly wait for the disk
    private readonly string folder = Directory.CreateTempSubdirectory("fediot-kill-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task SigningLoop_KilledAtRandomPoints_NeverContradictsItself()
    {
        int kills = int.Parse(
            Environment.GetEnvironmentVariable("FEDIOT_KILLS") ?? "300", CultureInfo.InvariantCulture);
        var seed = (ulong)TimeProvider.System.GetTimestamp();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        int[] released = await Task.WhenAll(Enumerable.Range(0, Workers).Select(w => Task.Run(
            () => RunAndKill(w, kills / Workers, SplitMix64.For(seed, (ulong)w)),
            TestContext.Current.CancellationToken)));
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills, {released.Sum()} signatures");
        Assert.True(released.Sum() > kills, $"only {released.Sum()} signatures came out");
    }

    [Fact]
    public void TwoProcessesOfOneState_TheFirstSignsAndTheSecondSaysWhyNot()
    {
        using (Ed25519Signer.Create(Path.Combine(folder, "node.key")))
        using (var first = new SigningLoop(folder, 1))
        {
            Assert.NotNull(first.ReadLine());
            using var second = new SigningLoop(folder, 2);
            (int code, string error) = second.WaitForEnd();
            Assert.Equal(3, code);
            Assert.Contains("another process", error, StringComparison.Ordinal);
            Assert.NotNull(first.ReadLine());
        }
    }

    // Returns the number of signatures that came out.
    private int RunAndKill(int worker, int kills, SplitMix64 random)
    {
        string home = Directory.CreateDirectory(Path.Combine(folder, $"{worker}")).FullName;
        using Ed25519Signer key = Ed25519Signer.Create(Path.Combine(home, "node.key"));
        var seen = new Dictionary<(long Height, int Step), int>();
        int released = 0;
        for (int i = 0; i < kills; i++)
        {
            using var loop = new SigningLoop(home, random.Next());
            int lines = random.Next(5);
            for (int line = 0; line < lines && loop.ReadLine() is { } text; line++)
            {
                released += Check(key.PublicKey, seen, text);
            }

            Spin(random.Next(lines == 0 ? 60_000 : 3_000)); // microseconds: from starting up to between two writes
            loop.Kill();
            while (loop.ReadLine() is { } text)
            {
                released += Check(key.PublicKey, seen, text);
            }
        }

        using SignStateLog state = SignStateLog.Open(Path.Combine(home, "sign"), key.PublicKey.Account);
        Assert.True(seen.Count == 0 || state.Last!.Height.Value >= seen.Keys.Max(k => k.Height));
        return released;
    }

    private static int Check(VerifyingKey key, Dictionary<(long Height, int Step), int> seen, string text)
    {
        string[] parts = text.Split(' ');
        long height = long.Parse(parts[0], CultureInfo.InvariantCulture);
        int step = int.Parse(parts[1], CultureInfo.InvariantCulture);
        int choice = int.Parse(parts[2], CultureInfo.InvariantCulture);
        if (seen.TryGetValue((height, step), out int before))
        {
            Assert.True(before == choice, $"height {height}, step {step}: signed for both blocks");
        }

        seen[(height, step)] = choice;
        Span<byte> name = stackalloc byte[9];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(name, height);
        name[8] = (byte)choice;
        var vote = new Vote(
            step % 2 == 0 ? VoteType.Prevote : VoteType.Precommit, new Height(height), step / 2, Hash256.Of(name),
            key.Account);
        Assert.True(key.Verify(vote.SignBytes("kill-loop", key), Convert.FromHexString(parts[3])), text);
        return 1;
    }

    private static void Spin(int microseconds)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromMicroseconds(microseconds))
        {
            Thread.Yield();
        }
    }
}
