using FedIoT.Consensus;
using FedIoT.Gateway.Ingest;
using FedIoT.Gateway.Node;
using FedIoT.Ledger;
using FedIoT.Signing;
using FedIoT.Storage.Files;
using FedIoT.Wire;

namespace FedIoT.Gateway.Configuration;

/// <summary>What a configuration refers to, opened: genesis, keys, devices. Dispose closes the keys.</summary>
internal sealed class GatewayResources : IDisposable
{
    private const int GenesisBytesMax = 1 << 20;

    private GatewayResources(Genesis genesis, NodeKeys keys, IReadOnlyList<EnrolledDevice> devices)
    {
        Genesis = genesis;
        Keys = keys;
        Devices = devices;
    }

    public Genesis Genesis { get; }

    public NodeKeys Keys { get; }

    public IReadOnlyList<EnrolledDevice> Devices { get; }

    /// <summary>Opens everything; null with the problems, each at the place that refers to it.</summary>
    public static GatewayResources? Open(
        GatewayConfiguration configuration, TimeProvider time, ProblemList problems)
    {
        Genesis? genesis = OpenGenesis(configuration, problems);
        ISigner? node = OpenKey(configuration.NodeKey, time, problems);
        ISigner? training = OpenKey(configuration.TrainingKey, time, problems);
        if (genesis is not null && node is not null)
        {
            CheckMembership(configuration, genesis, node, problems);
        }

        var devices = new List<EnrolledDevice>();
        foreach (GatewayConfiguration.DeviceEntry device in configuration.Devices)
        {
            if (DeviceKeyFile.Read(device.Key.Path, out string problem) is { } key)
            {
                devices.Add(new EnrolledDevice(device.Id, key));
            }
            else
            {
                problems.Add(device.Key.Place, problem);
            }
        }

        if (problems.IsEmpty)
        {
            return new GatewayResources(genesis!, new NodeKeys(node!, training!), devices);
        }

        node?.Dispose();
        training?.Dispose();
        return null;
    }

    public void Dispose() => Keys.Dispose();

    private static Genesis? OpenGenesis(GatewayConfiguration configuration, ProblemList problems)
    {
        FileReference file = configuration.Genesis;
        try
        {
            byte[]? bytes = DurableFile.ReadAllBytesBounded(file.Path, GenesisBytesMax);
            if (bytes is null)
            {
                problems.Add(file.Place, $"there is no genesis file {file.Path}; 'fediot chain genesis' makes one");
                return null;
            }

            if (!Genesis.TryDecode(bytes, out Genesis? genesis))
            {
                problems.Add(file.Place, $"{file.Path} is not a genesis file, or it was damaged");
                return null;
            }

            if (genesis!.ChainId != configuration.ChainId)
            {
                problems.Add(
                    file.Place, $"{file.Path} is the genesis of chain '{genesis.ChainId}', [chain] id is "
                    + $"\"{configuration.ChainId}\": expected the same");
            }

            return genesis;
        }
        catch (StorageException e)
        {
            problems.Add(file.Place, e.Message);
            return null;
        }
    }

    private static ISigner? OpenKey(KeyReference reference, TimeProvider time, ProblemList problems)
    {
        try
        {
            return SignerFactory.Open(reference.Address, time);
        }
        catch (SignerException e)
        {
            problems.Add(reference.Place, e.Message);
            return null;
        }
    }

    private static void CheckMembership(
        GatewayConfiguration configuration, Genesis genesis, ISigner node, ProblemList problems)
    {
        AccountId self = node.PublicKey.Account;
        if (genesis.Validators.All(v => v.Key.Account != self))
        {
            problems.Add(
                configuration.NodeKey.Place,
                $"account {self} of this node key is no validator of the genesis; give its "
                + "gateway.pub.toml to 'fediot chain genesis'");
        }

        foreach (PeerAddress peer in configuration.Peers)
        {
            if (genesis.Validators.All(v => v.Key.Account != peer.Account))
            {
                problems.Add(peer.Place, $"the peer's account {peer.Account} is no validator of the genesis");
            }
        }
    }
}
