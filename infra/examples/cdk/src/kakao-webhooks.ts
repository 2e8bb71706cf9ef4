import { Stack, type StackProps } from "aws-cdk-lib";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import type { Construct } from "constructs";

export interface KakaoWebhooksProps extends StackProps {
  /** The template that `sam package` wrote from the release. */
  readonly template: string;
  /** The template's parameters: docs/settings.md lists them. KakaoApps has no default. */
  readonly settings: Readonly<Record<string, string>> & { readonly KakaoApps: string };
}

/** The release's template as a stack of this app. */
export class KakaoWebhooks extends Stack {
  private readonly included: CfnInclude;

  constructor(scope: Construct, id: string, { template, settings, ...stack }: KakaoWebhooksProps) {
    super(scope, id, { terminationProtection: true, ...stack });
    // The mapping refers to the stage that AWS SAM makes of the API. The CDK does not know it, and takes such a resource as it
    // is, but under another name and without its condition.
    this.included = new CfnInclude(this, "Template", { templateFile: template, dehydratedResources: ["DomainMapping"] });
    const mapping = this.included.getResource("DomainMapping");
    mapping.overrideLogicalId("DomainMapping");
    mapping.cfnOptions.condition = this.included.getCondition("HasDomain");
    // As defaults, so that the template's limits and rules still check them. An unknown name throws.
    for (const [name, value] of Object.entries(settings)) this.included.getParameter(name).default = value;
  }

  /** An output for the other stacks of this app, such as BusName or ReadStatePolicyArn. */
  output(name: string): string {
    return String(this.included.getOutput(name).value);
  }
}
