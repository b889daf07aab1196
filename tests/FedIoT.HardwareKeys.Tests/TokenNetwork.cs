using FedIoT.Gateway.Tests.Operate;
using Xunit;

namespace FedIoT.HardwareKeys.Tests;

/// <summary>Four daemons; the key of the first is in a SoftHSM2, the others' are in files. Started once for all tests
/// of a class; each test leaves all four running.</summary>
public sealed class TokenNetwork : IAsyncLifetime
{
    private readonly List<GatewayProcess> gateways = [];
    private TokenGateway? made;

    internal TokenGateway Made => made!;

    internal GatewayProcess[] Gateways => [.. gateways];

    public async ValueTask InitializeAsync()
    {
        made = new TokenGateway();
        await made.InitAsync(0, "node");
        await Task.WhenAll(Enumerable.Range(1, 3).Select(i => made.InitWithAsync(i, "file:keys/node.key")));
        gateways.AddRange(await made.MakeNetworkAsync(4));
        await Task.WhenAll(gateways.Select(g => g.StartAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(gateways.Select(g => g.DisposeAsync().AsTask()));
        made?.Dispose();
    }
}
