using System.CommandLine;
using FedIoT.Gateway.Audit;
using FedIoT.Gateway.Cli;
using Xunit;

namespace FedIoT.Gateway.Tests.Audit;

/// <summary>The verbs from the command line to the exit code.</summary>
public sealed class VerifyCommandTests : IDisposable
{
    private readonly AuditFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public async Task Verify_AChain_ExitsWithWhetherItHolds()
    {
        ScriptedChain chain = fixture.Played();
        string hash = chain.Genesis.Hash.ToString();
        string genesis = Path.Combine(chain.Folder, GenesisFileName.Text);
        Assert.Equal(ExitCode.Success, await RunAsync("verify", chain.Folder));
        Assert.Equal(ExitCode.Success, await RunAsync("verify", chain.Folder, "--genesis-hash", hash, "--json"));
        Assert.Equal(
            ExitCode.Success, await RunAsync("verify", Path.Combine(chain.Folder, "chain"), "--genesis", genesis));
        Assert.Equal(
            ExitCode.Failure, await RunAsync("verify", chain.Folder, "--genesis-hash", new string('0', 64)));
        Assert.Equal(ExitCode.BadInput, await RunAsync("verify", chain.Folder, "--genesis-hash", "zero"));
        Assert.Equal(ExitCode.BadInput, await RunAsync("verify", fixture.File("nowhere")));
        Assert.Equal(ExitCode.BadInput, await RunAsync("verify", chain.Folder, "--genesis", fixture.File("none")));
        byte[] bytes = File.ReadAllBytes(genesis);
        bytes[1] ^= 1;
        File.WriteAllBytes(genesis, bytes);
        Assert.Equal(ExitCode.Failure, await RunAsync("verify", chain.Folder));
        File.Delete(genesis);
        Assert.Equal(ExitCode.BadInput, await RunAsync("verify", chain.Folder));
    }

    [Fact]
    public async Task Proof_OfEveryKind_IsWrittenAndVerifies()
    {
        ScriptedChain chain = fixture.Played();
        string hash = chain.Genesis.Hash.ToString();
        string[][] proofs =
        [
            ["account", chain.Folder, fixture.Nodes[1].PublicKey.Account.ToString()],
            ["account", chain.Folder, fixture.Nodes[1].PublicKey.Account.ToString(), "--after", "4"],
            ["device", chain.Folder, "dev-1-0"],
            ["model", chain.Folder, ScriptedChain.TaskName],
            ["model", chain.Folder, ScriptedChain.TaskName, "1"],
            ["delta", chain.Folder, ScriptedChain.TaskName, "2", "dev-3-1"],
        ];
        string file = fixture.File("proof.bundle");
        foreach (string[] proof in proofs)
        {
            Assert.Equal(ExitCode.Success, await RunAsync(["proof", .. proof, "--out", file]));
            Assert.Equal(ExitCode.Success, await RunAsync("verify", file, "--genesis-hash", hash));
            Assert.Equal(ExitCode.Success, await RunAsync("verify", file, "--json"));
            Assert.Equal(ExitCode.Failure, await RunAsync("verify", file, "--genesis-hash", new string('0', 64)));
        }

        Assert.Equal(ExitCode.BadInput, await RunAsync("proof", "device", chain.Folder, "No", "--out", file));
        Assert.Equal(ExitCode.BadInput, await RunAsync("proof", "account", chain.Folder, "12", "--out", file));
        Assert.Equal(ExitCode.Failure, await RunAsync("proof", "device", chain.Folder, "nobody", "--out", file));
        string[] late = ["proof", "device", chain.Folder, "dev-1-0", "--after", "99", "--out", file];
        Assert.Equal(ExitCode.Failure, await RunAsync(late));
    }

    private static Task<int> RunAsync(params string[] arguments)
    {
        var root = new RootCommand { VerifyCommand.Create(), ProofCommand.Create() };
        return CommandLineHost.RunAsync(root, arguments);
    }
}
