"""The workflows that come with Stretto, for `langgraph.json`; tests/run_workflow/test_studio_files.py has them all."""

from run_workflow.studio.workflows import workflow

code_review = workflow("code_review")
content_generation = workflow("content_generation")
content_moderation = workflow("content_moderation")
customer_service = workflow("customer_service")
document_processing = workflow("document_processing")
expense_approval = workflow("expense_approval")
financial_analysis = workflow("financial_analysis")
financial_transaction = workflow("financial_transaction")
maker_checker = workflow("maker_checker")
multi_domain_support = workflow("multi_domain_support")
order_processing = workflow("order_processing")
research_report = workflow("research_report")
