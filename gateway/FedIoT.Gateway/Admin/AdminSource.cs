using FedIoT.Gateway.Board;
using FedIoT.Gateway.Configuration;
using FedIoT.Gateway.Node;
using FedIoT.Gateway.Operate;

namespace FedIoT.Gateway.Admin;

/// <summary>What the admin API reads from.</summary>
/// <param name="Configuration">What the daemon was started with.</param>
/// <param name="Node">The running gateway.</param>
/// <param name="Transactions">The newest transactions.</param>
/// <param name="Time">For the uptime.</param>
/// <param name="StartedAt">Timestamp of <paramref name="Time"/>.</param>
/// <param name="Board">The gateway's own board.</param>
/// <param name="Log">The newest log lines.</param>
internal sealed record AdminSource(
    GatewayConfiguration Configuration, GatewayNode Node, TransactionIndex Transactions, TimeProvider Time,
    long StartedAt, GatewayBoard Board, RecentLog Log);
