using System.Net;

namespace FedIoT.Gateway.Operate;

/// <summary>Writes end points as people do.</summary>
internal static class EndPointText
{
    /// <summary>An IPv4 address that a socket for both families shows as IPv6 becomes IPv4 again.</summary>
    public static string Of(IPEndPoint endPoint) => endPoint.Address.IsIPv4MappedToIPv6
        ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port).ToString()
        : endPoint.ToString();
}
