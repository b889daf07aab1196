namespace FedIoT.Gateway.Configuration;

/// <summary>A place in a text file, as editors count it: lines and columns from 1.</summary>
/// <param name="File">Name of the file as the user gave it.</param>
/// <param name="Line">From 1; 0 = the file as a whole.</param>
/// <param name="Column">From 1.</param>
internal readonly record struct TextPlace(string File, int Line, int Column)
{
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";
}
