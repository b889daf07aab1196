using FedIoT.Consensus;
using FedIoT.Wire;
using Microsoft.Extensions.Logging;

namespace FedIoT.Gateway.Chain;

/// <content>What the core tells the log.</content>
internal sealed partial class ChainNodeCore
{
    private static partial class Log
    {
        [LoggerMessage(2102, LogLevel.Warning, "Not voting: {Reason} It is tried again.")]
        public static partial void SignerFailed(ILogger logger, string reason);

        [LoggerMessage(2103, LogLevel.Warning, "The guard refused a {Action}: it would contradict a signature.")]
        public static partial void NotSigned(ILogger logger, string action);

        [LoggerMessage(2104, LogLevel.Error, "The signer does not keep up at height {Height}, round {Round}.")]
        public static partial void SignerBusy(ILogger logger, Height height, int round);

        [LoggerMessage(2105, LogLevel.Warning, "Validator {Validator} signed two messages at height {Height}.")]
        public static partial void Equivocation(ILogger logger, AccountId validator, Height height);

        [LoggerMessage(2106, LogLevel.Information, "Continuing height {Height} behind {Count} own signatures.")]
        public static partial void Restored(ILogger logger, Height height, int count);

        [LoggerMessage(
            2107, LogLevel.Debug, "Height {Height}, round {Round}, {Step} does not move; {Peers} peers connected.")]
        public static partial void Stalled(ILogger logger, Height height, int round, ConsensusStep step, int peers);

        [LoggerMessage(2109, LogLevel.Information, "From height {Height} on this node signs with key {Key}.")]
        public static partial void OtherKey(ILogger logger, Height height, AccountId key);

        [LoggerMessage(2108, LogLevel.Information, "The evidence against {Validator} is not needed: {Reason}.")]
        public static partial void EvidenceRefused(ILogger logger, AccountId validator, string reason);
    }
}
