namespace FedIoT.Simulation;

/// <summary>What a Byzantine validator does for the whole run.</summary>
internal enum Attack
{
    /// <summary>None of its messages leave, or only for some heights.</summary>
    Silent,

    /// <summary>Shows one face to one part of the others and another one to the rest.</summary>
    Equivocate,

    /// <summary>Sends two different votes and proposals to everybody.</summary>
    DoubleVote,

    /// <summary>Shows its votes and proposals to some only, so that quorums are seen by few.</summary>
    Withhold,

    /// <summary>Proposes blocks that break a rule, and votes for whatever comes.</summary>
    InvalidBlock,

    /// <summary>Sends old frames of everybody again.</summary>
    Replay,

    /// <summary>Forgets all that it signed at each restart: a restored backup.</summary>
    Amnesia,

    /// <summary>Two honest instances with one key and separate disks (arXiv:2004.10617).</summary>
    Twins,
}
