namespace FedIoT.Consensus.Tests.Simulation;

internal enum Byzantine
{
    /// <summary>Sends nothing.</summary>
    Silent,

    /// <summary>Different votes and proposals to different peers.</summary>
    Equivocating,

    /// <summary>Proposes blocks that the application refuses, and votes for them.</summary>
    Invalid,

    /// <summary>Its votes reach only some, and claim distant rounds at times.</summary>
    Selective,

    /// <summary>Two honest instances with one key and separate memories (arXiv:2004.10617).</summary>
    Twins,
}
