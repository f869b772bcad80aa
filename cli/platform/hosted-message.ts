/** What `weft serve` tells the process that supervises it, once it has its port. */
export const hostedMessage = "hosted";
